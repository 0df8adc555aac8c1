#include "address.hpp"

#include <gtest/gtest.h>

namespace daruma::client {
namespace {

Address address(std::string_view text) {
  const auto parsed = parse_address(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(Address{});
}

TEST(Address, TakesNamesAndLiteralsWithAndWithoutPort) {
  EXPECT_EQ(address("reachy.local").base_url(), "http://reachy.local:8000");
  EXPECT_EQ(address("10.0.0.7:9000").base_url(), "http://10.0.0.7:9000");
  EXPECT_EQ(address("[fe80::1]:9000").base_url(), "http://[fe80::1]:9000");
  EXPECT_EQ(address("[::1]").base_url(), "http://[::1]:8000");
  EXPECT_EQ(address("::1").base_url(), "http://[::1]:8000");
  EXPECT_EQ(address("[::1]:1").host, "::1");
}

TEST(Address, RefusesWhatIsNoHost) {
  for (const auto* text :
       {"", ":8000", "host:", "host:0", "host:65536", "host:80x", "host:+80", "http://host", "a/b",
        "user@host", "[::1", "[::1]8000", "[host]:80", "a b", "host:80:90"}) {
    EXPECT_FALSE(parse_address(text)) << text;
  }
}

TEST(Query, EscapesEverythingThatMeansSomething) {
  EXPECT_EQ(escape("a-Z_0.~"), "a-Z_0.~");
  EXPECT_EQ(escape("a b&c=d/e?f#g%"), "a%20b%26c%3Dd%2Fe%3Ff%23g%25");
  EXPECT_EQ(escape("\xC3\xA9"), "%C3%A9");
  EXPECT_EQ(with_query("/p", {}), "/p");
  EXPECT_EQ(with_query("/p", {{"id", "a&b"}, {"n", "1"}}), "/p?id=a%26b&n=1");
}

}  // namespace
}  // namespace daruma::client
