#include "daruma/protocol/command_table.hpp"

#include <fstream>
#include <set>
#include <sstream>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include "daruma/protocol/command.hpp"
#include "daruma/protocol/command_docs.hpp"
#include "daruma/protocol/convert.hpp"

namespace daruma::protocol {
namespace {

constexpr std::string_view kReferenceTypes[] = {"set_full_target",
                                                "set_target",
                                                "set_head_joints",
                                                "set_body_yaw",
                                                "set_antennas",
                                                "goto_target",
                                                "task",
                                                "wake_up",
                                                "goto_sleep",
                                                "stop_move",
                                                "play_sound",
                                                "clear_incoming_audio",
                                                "play_recorded_move",
                                                "preload_dataset",
                                                "set_motor_mode",
                                                "set_torque",
                                                "get_motor_mode",
                                                "set_gravity_compensation",
                                                "set_automatic_body_yaw",
                                                "get_state",
                                                "get_version",
                                                "get_hardware_id",
                                                "get_imu",
                                                "start_recording",
                                                "stop_recording",
                                                "append_record",
                                                "set_speech_offsets",
                                                "set_wobbling",
                                                "set_head_tracking",
                                                "get_tracked_face",
                                                "set_volume",
                                                "set_microphone_volume",
                                                "get_volume",
                                                "get_microphone_volume",
                                                "get_robot_name",
                                                "set_robot_name",
                                                "get_first_wake_up",
                                                "set_first_wake_up",
                                                "delete_hf_token",
                                                "subscribe_logs",
                                                "unsubscribe_logs",
                                                "subscribe_pose",
                                                "unsubscribe_pose",
                                                "restart_daemon",
                                                "start_update",
                                                "upload_move_start",
                                                "upload_move_chunk",
                                                "upload_move_finish",
                                                "upload_audio_start",
                                                "upload_audio_chunk",
                                                "upload_audio_finish",
                                                "play_uploaded_move",
                                                "cancel_move",
                                                "cancel_audio",
                                                "play_uploaded_audio",
                                                "apply_audio_config",
                                                "read_audio_parameter",
                                                "get_telemetry",
                                                "set_telemetry"};

TEST(CommandTable, HasEveryTypeOfTheReferenceAndNoOther) {
  std::set<std::string_view> listed(std::begin(kReferenceTypes), std::end(kReferenceTypes));
  std::set<std::string_view> rows;
  for (const auto& spec : command_table())
    if (spec.origin == Origin::kReference) rows.insert(spec.type);
  EXPECT_EQ(rows.size(), 59U) << "58 and the SDK's task";
  EXPECT_EQ(rows, listed);
}

TEST(CommandTable, FindsEachRowByItsTypeAndNothingElse) {
  std::set<std::string_view> types;
  for (const auto& spec : command_table()) {
    EXPECT_TRUE(types.insert(spec.type).second) << spec.type;
    EXPECT_EQ(find_command(spec.type), &spec);
    EXPECT_EQ(find_command(std::string(spec.type) + "x"), nullptr);
  }
  EXPECT_EQ(find_command(""), nullptr);
  EXPECT_EQ(find_command("zzz"), nullptr);
}

TEST(CommandTable, RowsAreWellFormed) {
  for (const auto& spec : command_table()) {
    EXPECT_LE(spec.fields.size(), Command::kMaxFields) << spec.type;
    EXPECT_FALSE(spec.meaning.empty()) << spec.type;
    std::set<std::string_view> names;
    for (const auto& field : spec.fields) {
      EXPECT_TRUE(names.insert(field.name).second) << spec.type << "." << field.name;
      EXPECT_GE(spec.index_of(field.name), 0);
      ASSERT_EQ(field.presence == Presence::kDefault, !field.default_json.empty());
      if (field.default_json.empty()) continue;
      const auto value = convert(field, boost::json::parse(field.default_json));
      EXPECT_TRUE(value.has_value()) << spec.type << "." << field.name;
    }
    EXPECT_EQ(spec.index_of("no such field"), -1);
  }
}

TEST(CommandTable, OwnersAreWhatIsBuilt) {
  std::set<std::string_view> house;
  std::set<std::string_view> room;
  for (const auto& spec : command_table()) {
    if (spec.owner == Owner::kHouse) house.insert(spec.type);
    if (spec.owner == Owner::kRoom) room.insert(spec.type);
  }
  EXPECT_EQ(room, (std::set<std::string_view>{"get_state",
                                              "set_head_joints",
                                              "set_body_yaw",
                                              "set_antennas",
                                              "set_full_target",
                                              "set_motor_mode",
                                              "get_motor_mode",
                                              "set_torque",
                                              "wake_up",
                                              "goto_sleep",
                                              "stop_move",
                                              "set_target",
                                              "goto_target",
                                              "task",
                                              "set_gravity_compensation",
                                              "set_automatic_body_yaw",
                                              "set_speech_offsets",
                                              "start_recording",
                                              "stop_recording",
                                              "append_record",
                                              "play_recorded_move",
                                              "preload_dataset",
                                              "upload_move_start",
                                              "upload_move_chunk",
                                              "upload_move_finish",
                                              "upload_audio_start",
                                              "upload_audio_chunk",
                                              "upload_audio_finish",
                                              "play_uploaded_move",
                                              "cancel_move",
                                              "play_uploaded_audio",
                                              "cancel_audio"}));
  EXPECT_EQ(house,
            (std::set<std::string_view>{
                "restart_daemon", "get_version", "get_hardware_id", "get_robot_name",
                "set_robot_name", "subscribe_logs", "unsubscribe_logs", "subscribe_pose",
                "unsubscribe_pose", "get_health", "get_daemon_status", "start_daemon",
                "stop_daemon", "get_restart_receipt", "get_restart_receipts", "restart_confirm"}));
}

TEST(CommandTable, ThePageInDocsIsTheTable) {
  std::ifstream file(DARUMA_SOURCE_DIR "/docs/commands.md");
  std::stringstream page;
  page << file.rdbuf();
  EXPECT_EQ(page.str(), commands_markdown()) << "run: command_docs > docs/commands.md";
}

}  // namespace
}  // namespace daruma::protocol
