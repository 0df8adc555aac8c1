#include "daruma/transport/http/static_files.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

namespace daruma::http {
namespace {

namespace fs = std::filesystem;

class StaticFilesTest : public testing::Test {
 protected:
  StaticFilesTest()
      : root_(fs::temp_directory_path() / ("daruma-files-" + std::to_string(::getpid()))),
        files_((root_ / "web").string()) {
    fs::create_directories(root_ / "web" / "assets");
    write("secret.txt", "secret");
    write("web/index.html", "<h1>page</h1>");
    write("web/assets/app.js", "let a");
    write("web/.hidden", "hidden");
  }
  ~StaticFilesTest() override { fs::remove_all(root_); }

  void write(const std::string& name, std::string_view text) {
    std::ofstream(root_ / name, std::ios::binary) << text;
  }
  std::optional<net::Response> get(std::string path, std::string if_none_match = "") {
    net::Request request;
    request.method = "GET";
    request.path = std::move(path);
    if (!if_none_match.empty()) request.headers = {{"if-none-match", std::move(if_none_match)}};
    return files_.find(request);
  }
  static std::string header(const net::Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers)
      if (key == name) return value;
    return "";
  }

  const fs::path root_;
  StaticFiles files_;
};

TEST_F(StaticFilesTest, ServesThePageAndItsParts) {
  const auto page = get("/");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->status, 200);
  EXPECT_EQ(*page->body, "<h1>page</h1>");
  EXPECT_EQ(page->content_type, "text/html; charset=utf-8");
  EXPECT_EQ(header(*page, "x-content-type-options"), "nosniff");
  EXPECT_EQ(header(*page, "content-security-policy"), "frame-ancestors 'self'");
  const auto script = get("/assets/app.js");
  ASSERT_TRUE(script);
  EXPECT_EQ(*script->body, "let a");
  EXPECT_EQ(script->content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(get("/index.html")->body, page->body) << "shared, not read again";
}

TEST_F(StaticFilesTest, NoPathLeadsOut) {
  for (const auto* path :
       {"/../secret.txt", "/assets/../../secret.txt", "/..", "/.", "/./index.html", "//etc/passwd",
        "/.hidden", "/assets/.hidden", "/..\\secret.txt", "/assets\\app.js", "/assets", "/assets/",
        "", "*", "/nothing"})
    EXPECT_FALSE(get(path)) << path;
  EXPECT_FALSE(get(std::string("/index.html\0.js", 15)));
  EXPECT_FALSE(get("/" + std::string(5000, 'x')));
  EXPECT_FALSE(get("/" + (root_ / "secret.txt").string()));
}

TEST_F(StaticFilesTest, SymbolicLinksDoNotLeadOut) {
  fs::create_symlink(root_ / "secret.txt", root_ / "web" / "link.txt");
  fs::create_directory_symlink(root_, root_ / "web" / "up");
  EXPECT_FALSE(get("/link.txt"));
  EXPECT_FALSE(get("/up/secret.txt"));
}

TEST_F(StaticFilesTest, AnUnchangedFileIs304AndAChangedOneIsNew) {
  const auto first = get("/assets/app.js");
  const auto tag = header(*first, "etag");
  ASSERT_FALSE(tag.empty());
  for (const auto& known : {tag, "W/" + tag, "\"other\", " + tag, std::string("*")}) {
    const auto again = get("/assets/app.js", known);
    EXPECT_EQ(again->status, 304) << known;
    EXPECT_EQ(again->body, nullptr);
    EXPECT_EQ(header(*again, "etag"), tag);
  }
  EXPECT_EQ(get("/assets/app.js", "\"other\"")->status, 200);
  write("web/assets/app.js", "let b = 1");
  fs::last_write_time(root_ / "web/assets/app.js",
                      fs::file_time_type::clock::now() + std::chrono::seconds(5));
  const auto changed = get("/assets/app.js", tag);
  EXPECT_EQ(changed->status, 200);
  EXPECT_EQ(*changed->body, "let b = 1");
  fs::remove(root_ / "web/assets/app.js");
  EXPECT_FALSE(get("/assets/app.js"));
}

TEST_F(StaticFilesTest, FilesBeyondTheBoundAreNoFiles) {
  write("web/most.bin", std::string(StaticFiles::kLargestFile, 'x'));
  write("web/more.bin", std::string(StaticFiles::kLargestFile + 1, 'x'));
  EXPECT_TRUE(get("/most.bin"));
  EXPECT_FALSE(get("/more.bin"));
}

TEST_F(StaticFilesTest, WithoutAPageItSaysHowToBuildOne) {
  fs::remove(root_ / "web/index.html");
  const auto page = get("/");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->content_type, "text/html; charset=utf-8");
  EXPECT_NE(page->body->find("./run"), std::string::npos);
  StaticFiles nowhere("");
  net::Request request;
  request.method = "GET";
  request.path = "/";
  EXPECT_TRUE(nowhere.find(request));
  request.path = "/etc/passwd";
  EXPECT_FALSE(nowhere.find(request));
}

}  // namespace
}  // namespace daruma::http
