#include "daruma/services/hardware_config/hardware_config_file.hpp"

#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace daruma::services {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class HardwareConfigFile : public ::testing::Test {
 protected:
  HardwareConfigFile()
      : folder_(fs::temp_directory_path() / fmt::format("hardware_config_{}", ::getpid())) {
    fs::create_directories(folder_);
  }
  ~HardwareConfigFile() override { fs::remove_all(folder_); }

  std::string path() const { return folder_ / "robot.yaml"; }
  std::string write(const std::string& text) const {
    std::ofstream(path(), std::ios::binary) << text;
    return path();
  }
  /// The text of the error that a file with this text gives, without the path.
  std::string refusal(const std::string& text) const {
    const auto config = read_hardware_config(write(text));
    if (config) return "accepted";
    EXPECT_EQ(config.error().code, Errc::kInvalid);
    EXPECT_THAT(config.error().context, StartsWith(path() + ":"));
    return config.error().context.substr(path().size());
  }

  fs::path folder_;
};

/// The file that the reference ships; each motor has nine lines, the first begins at line 5.
std::string shipped() {
  std::string text = "version: beta\nserial:\n  baudrate: 1000000\nmotors:\n";
  const auto config = model::default_hardware_config();
  for (std::size_t i = 0; i < model::kJointCount; ++i) {
    const auto& motor = config.motors[i];
    text += fmt::format(
        "- {}:\n    id: {}\n    offset: {}\n    lower_limit: {}\n    upper_limit: {}\n"
        "    return_delay_time: {}\n    shutdown_error: {}\n    operating_mode: {}\n"
        "    pid: [{}]\n",
        model::kJointNames[i], motor.id, motor.offset, motor.lower_limit, motor.upper_limit,
        motor.return_delay_time, motor.shutdown_error, motor.operating_mode,
        fmt::join(*motor.pid, ", "));
  }
  return text;
}

std::string with(std::string text, const std::string& what, const std::string& instead) {
  const auto at = text.find(what);
  EXPECT_NE(at, text.npos) << what;
  return text.replace(at, what.size(), instead);
}

TEST_F(HardwareConfigFile, WithoutAPathIsTheBuiltInTable) {
  const auto config = read_hardware_config("");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->motors[3].lower_limit, 1502);
}

TEST_F(HardwareConfigFile, ReadsEveryFieldInAnyOrder) {
  auto text = with(shipped(), "id: 10", "id: 99");
  text = with(text, "offset: 1024", "offset: 1000");
  text = with(text, "    pid: [200, 0, 0]\n", "");
  const auto tail = text.substr(text.find("- left_antenna"));
  text = with(text, tail, "");
  text = with(text, "motors:\n", "motors:\n" + tail);
  const auto config = read_hardware_config(write(text));
  ASSERT_TRUE(config) << config.error().context;
  const auto expected = model::default_hardware_config();
  EXPECT_EQ(config->baudrate, 1'000'000);
  EXPECT_EQ(config->motors[0].id, 99);
  EXPECT_FALSE(config->motors[0].pid);
  EXPECT_EQ(config->motors[1].offset, 1000);
  EXPECT_EQ(config->motors[8].id, 18);
  EXPECT_EQ(config->motors[6].lower_limit, expected.motors[6].lower_limit);
  EXPECT_EQ(config->motors[6].upper_limit, expected.motors[6].upper_limit);
  EXPECT_EQ(config->motors[6].shutdown_error, 52);
  EXPECT_EQ(config->motors[6].operating_mode, 3);
  EXPECT_EQ(config->motors[6].pid, expected.motors[6].pid);
}

TEST_F(HardwareConfigFile, NamesTheFileThatCannotBeRead) {
  EXPECT_EQ(read_hardware_config("/no/such/file.yaml").error().context,
            "/no/such/file.yaml: there is no such file");
  EXPECT_EQ(read_hardware_config("/no/such/file.yaml").error().code, Errc::kInvalid);
  EXPECT_THAT(read_hardware_config(folder_).error().context, HasSubstr("is a folder"));
  EXPECT_THAT(read_hardware_config("/dev/zero").error().context, HasSubstr("not a regular file"));
}

TEST_F(HardwareConfigFile, HasALargestSize) {
  const auto text = shipped();
  const auto filled = [&](std::size_t size) {
    return text + "#" + std::string(size - text.size() - 1, 'x');
  };
  EXPECT_EQ(refusal(filled(kMaxHardwareConfigBytes)), "accepted");
  EXPECT_EQ(refusal(filled(kMaxHardwareConfigBytes + 1)), ": is larger than 65536 bytes");
}

TEST_F(HardwareConfigFile, SaysWhereItIsNotYaml) {
  EXPECT_THAT(refusal("version: beta\nserial: {baudrate: 1000000\n"), HasSubstr("is not YAML"));
  EXPECT_THAT(refusal("version: beta\n\tserial: 1\n"), StartsWith(":2: is not YAML"));
  EXPECT_THAT(refusal(std::string(3000, '[')), HasSubstr("is not YAML"));
  EXPECT_NE(refusal(""), "accepted");
  EXPECT_NE(refusal("just words"), "accepted");
  EXPECT_NE(refusal(std::string("\xff\xfe\x00\x01", 4)), "accepted");
  EXPECT_EQ(refusal("[1, 2]"), ":1: the file is not a mapping");
}

TEST_F(HardwareConfigFile, NamesEachMistakeWithItsLine) {
  const struct {
    const char* what;
    const char* instead;
    const char* refusal;
  } kCases[] = {
      {"version: beta\n", "", ":1: field 'version' is missing"},
      {"version: beta", "version: [1]", ":1: version is not a word"},
      {"serial:\n  baudrate: 1000000\n", "", ":1: field 'serial' is missing"},
      {"serial:\n  baudrate: 1000000", "serial: fast", ":2: serial is not a mapping"},
      {"baudrate", "baud", ":3: serial: field 'baudrate' is missing"},
      {"1000000", "1000001",
       ":3: serial.baudrate: 1000001 is none of 9600, 57600, 115200, 1000000, 2000000, 3000000, "
       "4000000"},
      {"motors:", "motor:", ":1: field 'motors' is missing"},
      {"- body_rotation:", "- body:", ":5: there is no motor named 'body'"},
      {"- stewart_1:", "- body_rotation:", ":14: motor body_rotation is given twice"},
      {"    id: 10\n", "", ":6: body_rotation: field 'id' is missing"},
      {"id: 10", "id: ten", ":6: body_rotation.id: 'ten' is not an integer"},
      {"id: 10", "id: \"10\"", ":6: body_rotation.id: '10' is not an integer"},
      {"id: 10", "id: 10.5", ":6: body_rotation.id: '10.5' is not an integer"},
      {"id: 10", "id: .nan", ":6: body_rotation.id: '.nan' is not an integer"},
      {"id: 10", "id: [10]", ":6: body_rotation.id: a list is not an integer"},
      {"id: 10", "id:", ":6: body_rotation: field 'id' has no value"},
      {"id: 10", "id: 253", ":6: body_rotation.id: 253 is out of range, allowed 0 to 252"},
      {"id: 10", "id: -1", ":6: body_rotation.id: -1 is out of range, allowed 0 to 252"},
      {"id: 10", "id: 99999999999", ":6: body_rotation.id: 99999999999 is out of range"},
      {"id: 11", "id: 10", ":15: stewart_1: id 10 is that of body_rotation already"},
      {"id: 10", "offset: 0", ":7: body_rotation: 'offset' is given twice"},
      {"offset: 1024", "offset: 2000000",
       ":16: stewart_1.offset: 2000000 is out of range, allowed -1044479 to 1044479"},
      {"upper_limit: 4095", "upper_limit: 4096",
       ":9: body_rotation.upper_limit: 4096 is out of range, allowed 0 to 4095"},
      {"lower_limit: 1502", "lower_limit: 2959",
       ":17: stewart_1: lower_limit 2959 is not below upper_limit 2958"},
      {"return_delay_time: 0", "return_delay_time: 255",
       ":10: body_rotation.return_delay_time: 255 is out of range, allowed 0 to 254"},
      {"shutdown_error: 52", "shutdown_error: 64",
       ":11: body_rotation.shutdown_error: 64 is out of range, allowed 0 to 63"},
      {"operating_mode: 3", "operating_mode: 2",
       ":12: body_rotation.operating_mode: 2 is none of 0, 1, 3, 4, 5, 16"},
      {"pid: [200, 0, 0]", "pid: [200, 0]",
       ":13: body_rotation.pid is not a list of three numbers: P, I, D"},
      {"pid: [200, 0, 0]", "pid: 200",
       ":13: body_rotation.pid is not a list of three numbers: P, I, D"},
      {"pid: [200, 0, 0]", "pid: [200, 0, 16384]",
       ":13: body_rotation.pid: 16384 is out of range, allowed 0 to 16383"},
      {"- stewart_1:", "- 7\n- stewart_1:",
       ":14: an item of motors is not one motor's name with its fields"},
  };
  for (const auto& one : kCases) {
    EXPECT_EQ(refusal(with(shipped(), one.what, one.instead)), one.refusal);
  }
  EXPECT_EQ(refusal(with(shipped(), shipped().substr(shipped().find("- left_antenna")), "")),
            ":5: motor left_antenna is missing");
  EXPECT_EQ(refusal("version: 1\nserial: {baudrate: 1000000}\nmotors: {a: 1}\n"),
            ":3: motors is not a list");
}

TEST_F(HardwareConfigFile, IgnoresWhatTheReferenceIgnores) {
  EXPECT_EQ(refusal(with(shipped(), "id: 10", "colour: red\n    id: 10")), "accepted");
}

}  // namespace
}  // namespace daruma::services
