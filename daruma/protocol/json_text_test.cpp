#include "daruma/protocol/json_text.hpp"

#include <limits>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

namespace daruma::protocol {
namespace {

namespace json = boost::json;

TEST(JsonText, WritesNumbersInTheirShortestForm) {
  EXPECT_EQ(json_text({{"a", 50.25}, {"b", 0.1}, {"c", -3}, {"d", 1.0}, {"e", 1e300}}),
            R"({"a":50.25,"b":0.1,"c":-3,"d":1,"e":1e+300})");
}

TEST(JsonText, SaysNullForWhatIsNotFinite) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinite = std::numeric_limits<double>::infinity();
  EXPECT_EQ(json_text({nan, infinite, -infinite}), "[null,null,null]");
}

TEST(JsonText, IsReadBackAsItWas) {
  const json::value value = {{"text \"quoted\"\n", "a\\b\u0001 \xC3\xA4"},
                             {"empty", json::object{}},
                             {"list", {true, false, nullptr, json::array{}}},
                             {"big", std::numeric_limits<std::uint64_t>::max()}};
  EXPECT_EQ(json::parse(json_text(value)), value);
}

}  // namespace
}  // namespace daruma::protocol
