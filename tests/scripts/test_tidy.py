#!/usr/bin/env python3
"""scripts/tidy finds what it should, in small trees made for each test."""

import subprocess
import tempfile
import unittest
from pathlib import Path

TIDY = Path(__file__).resolve().parents[2] / "scripts" / "tidy"


class Tidy(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)
        self.addCleanup(self.folder.cleanup)

    def write(self, path, text, listed=True):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        if listed and path.endswith(".cc"):
            with open(file.parent / "CMakeLists.txt", "a") as stream:
                stream.write("kpay_library(x SOURCES %s)\n" % file.name)
        return file

    def tidy(self, *arguments):
        run = subprocess.run([str(TIDY), "--root", str(self.root), *arguments],
                             capture_output=True, text=True, check=False)
        return run.returncode, run.stdout

    def finds(self, expected):
        code, out = self.tidy()
        self.assertEqual(code, 1, out)
        self.assertIn(expected, out)
        self.assertEqual(len(out.splitlines()), 1, out)

    def finds_nothing(self):
        code, out = self.tidy()
        self.assertEqual((code, out), (0, ""))

    def test_a_clean_tree_has_no_findings(self):
        self.write("src/base/a.h", "#pragma once\n#include <string>\n")
        self.write("src/core/b.cc", '#include "base/a.h"\nint f() { return 1; }\n')
        self.finds_nothing()

    def test_layers(self):
        cases = [
            ("src/core/a.cc", '#include "stream/x.h"', "src/core may not use src/stream"),
            ("src/stream/a.cc", '#include "wire/x.h"', "src/stream may not use src/wire"),
            ("src/base/a.cc", "#include <xxhash.h>", "<xxhash.h> may not be included here"),
            ("src/stream/a.cc", "#include <librdkafka/rdkafka.h>", "may not be included here"),
            ("src/store/a.h", "#include <sqlite3.h>", "may not be included here"),
            ("src/http/a.h", "#include <Poco/Foundation.h>", "may not be included here"),
            ("src/daemons/gateway/a.cc", '#include "daemons/account/x.h"',
             "one daemon may not use another"),
            ("src/base/a.cc", '#include "nowhere.h"', "is not a file below src/"),
        ]
        for path, line, expected in cases:
            with self.subTest(path=path, line=line):
                self.setUp()
                self.write("tests/a_test.cc", '#include "stream/x.h"\n#include "wire/x.h"\n'
                           '#include "daemons/account/x.h"\n#include "store/a.h"\n#include "http/a.h"\n')
                self.write("src/daemons/account/main.cc", "int main() { return 0; }\n")
                for header in ("stream", "wire", "daemons/account"):
                    self.write("src/%s/x.h" % header, "#pragma once\n")
                self.write(path, line + "\n")
                self.finds(expected)

    def test_daemons_may_share_a_folder_that_is_no_daemon(self):
        self.write("src/daemons/service/x.h", "#pragma once\n")
        self.write("src/daemons/gateway/a.cc", '#include "daemons/service/x.h"\n')
        self.finds_nothing()

    def test_third_party_headers_in_their_own_folder_are_fine(self):
        self.write("src/base/hash.cc", "#include <xxhash.h>\n")
        self.write("src/store/a.cc", "#include <sqlite3.h>\n")
        self.write("src/kafka/a.cc", "#include <librdkafka/rdkafka.h>\n")
        self.write("src/config/a.cc", "#include <yaml-cpp/yaml.h>\n")
        self.finds_nothing()

    def test_a_folder_that_the_house_does_not_have(self):
        self.write("src/utils/a.cc", "int f();\n")
        self.finds("src/utils is no folder of the house")

    def test_banned_words(self):
        cases = [
            ("src/core/a.cc", "double x;", "integers in minor units"),
            ("src/store/a.cc", "auto t = std::chrono::system_clock::now();", "the caller passes in"),
            ("src/store/a.cc", "void f() { assert(x); }", "check()"),
            ("src/store/a.cc", "auto* p = new int;", "std::make_unique"),
            ("src/store/a.cc", "void f() { delete p; }", "std::unique_ptr"),
            ("src/store/a.cc", "int x = std::stoi(s);", "std::from_chars"),
            ("src/store/a.cc", "void f() { try { g(); } catch (...) { } }", "main.cc has the net"),
            ("tests/store/a.cc", "void f() { sleep_for(x); }", "a fake clock"),
            ("src/store/a.cc", "// TO" "DO: later", "do it, or file it"),
        ]
        for path, line, expected in cases:
            with self.subTest(line=line):
                self.setUp()
                self.write(path, line + "\n")
                self.finds(expected)

    def test_words_in_comments_and_strings_are_not_code(self):
        self.write("src/core/a.cc", '// a double new delete\nconst char* s = "double new";\n'
                   'const char* r = R"(float " assert()";\nstatic_assert(sizeof(int) == 4);\n'
                   "struct A { A(const A&) = delete; };\n")
        self.finds_nothing()

    def test_an_object_that_is_owned_at_once_may_be_new(self):
        self.write("src/store/a.cc", "std::unique_ptr<File> f(new File(x));\n")
        self.finds_nothing()

    def test_an_escape_silences_a_line_and_the_ratchet_counts_it(self):
        source = self.write("src/core/a.cc", "double x;  // tidy-ok: shown to people only\n")
        self.finds_nothing()
        (self.root / "scripts").mkdir()
        self.assertEqual(self.tidy("--ratchet")[0], 0)
        source.write_text(source.read_text() + "double y;  // tidy-ok: this one too\n")
        self.finds("tidy_ok was 1 and is 2: it may only fall")

    def test_sizes(self):
        self.write("src/base/a.cc", "int x;\n" * 501)
        self.finds("501 lines in a file")
        self.setUp()
        self.write("src/base/a.cc", "int f() {\n" + "  g();\n" * 71 + "}\n")
        self.finds("a function of 73 lines")
        self.setUp()
        self.write("src/base/a.cc", "int " + "x" * 100 + ";\n")
        self.finds("105 columns")

    def test_long_types_and_tables_are_not_functions(self):
        self.write("src/base/a.cc", "namespace {\nstruct A {\n" + "  int f(int x);\n" * 80 + "};\n"
                   "constexpr int kTable[] = {\n" + "    (1),\n" * 80 + "};\n}\n")
        self.finds_nothing()

    def test_dead_files(self):
        self.write("src/base/a.h", "#pragma once\n")
        self.finds("nothing includes this file")
        self.setUp()
        self.write("src/base/a.cc", "int x;\n", listed=False)
        self.finds("no CMakeLists.txt names this file")

    def test_executable_bits(self):
        self.write("scripts/a", "#!/bin/sh\n")
        self.finds("chmod +x")
        self.setUp()
        self.write("docs/a.md", "text\n").chmod(0o755)
        self.finds("chmod -x")


if __name__ == "__main__":
    unittest.main(verbosity=1)
