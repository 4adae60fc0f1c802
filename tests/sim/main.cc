// kpay-sim: many runs, each from its seed, in one or more processes; and one run with its trace.
#include <CLI/CLI.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <iostream>
#include <sstream>

#include "sim/run.h"

namespace kpay::sim {
namespace {

// What `make sim` and CI run, and how often each cell of the crash table has to be hit in it.
constexpr const char* kFixedSeeds = "1..8000";
constexpr std::uint64_t kFixedLeast = 20;

struct Options {
  std::string seeds = "1..100";
  std::uint64_t seed = 0;
  bool trace = false;
  std::string dump;
  unsigned jobs = 1;
  std::uint64_t least = 0;
  bool fixed_set = false;
  bool until_wrong = false;
  bool operators = true;
};

std::uint64_t seed_in_hand = 0;
const char* program = "kpay-sim";
const char* replay_options = "";

void tell_how_to_replay(std::uint64_t seed) {
  std::fprintf(stderr, "replay it: %s --seed %llu --trace%s\n", program,
               static_cast<unsigned long long>(seed), replay_options);
}

extern "C" void on_abort(int) {
  std::fprintf(stderr, "seed %llu: abort: a check() failed\n",
               static_cast<unsigned long long>(seed_in_hand));
  tell_how_to_replay(seed_in_hand);
}

/// Every `jobs`-th seed of the range, beginning with the `job`-th. Writes what it counted.
int run_share(std::uint64_t first, std::uint64_t last, unsigned job, const Options& options,
              std::ostream& out) {
  std::signal(SIGABRT, on_abort);
  Coverage all;
  int failed = 0;
  for (std::uint64_t seed = first + job; seed <= last; seed += options.jobs) {
    seed_in_hand = seed;
    const std::string dump =
        options.dump.empty() ? std::string() : options.dump + "/" + std::to_string(seed);
    const RunResult result = run({seed, false, options.operators, dump});
    all.add(result.coverage);
    if (!result.wrong.empty()) {
      ++failed;
      std::fprintf(stderr, "seed %llu: %s\n", static_cast<unsigned long long>(seed),
                   result.wrong.c_str());
      tell_how_to_replay(seed);
      if (options.until_wrong) {
        break;
      }
    }
  }
  all.write(out);
  return failed == 0 ? 0 : 1;
}

struct Child {
  pid_t pid = 0;
  int read_end = -1;
};

Child start_share(std::uint64_t first, std::uint64_t last, unsigned job, const Options& options) {
  int ends[2];
  if (::pipe(ends) != 0) {
    std::perror("kpay-sim: pipe");
    std::exit(2);
  }
  std::cout.flush();
  Child child{::fork(), ends[0]};
  if (child.pid == 0) {
    ::close(ends[0]);
    std::ostringstream out;
    const int status = run_share(first, last, job, options, out);
    const std::string text = out.str();
    for (std::size_t at = 0; at < text.size();) {
      const ssize_t written = ::write(ends[1], text.data() + at, text.size() - at);
      if (written <= 0) {
        _exit(2);
      }
      at += static_cast<std::size_t>(written);
    }
    std::exit(status);  // not _exit(): a build that counts coverage writes it then
  }
  ::close(ends[1]);
  return child;
}

bool collect(const Child& child, Coverage& all) {
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(child.read_end, buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(got));
  }
  ::close(child.read_end);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    all.read_line(line);
  }
  int status = 0;
  ::waitpid(child.pid, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int run_range(const Options& options) {
  const std::size_t dots = options.seeds.find("..");
  const std::uint64_t first = std::stoull(options.seeds);
  const std::uint64_t last =
      dots == std::string::npos ? first : std::stoull(options.seeds.substr(dots + 2));
  std::vector<Child> children;
  for (unsigned job = 0; job < options.jobs; ++job) {
    children.push_back(start_share(first, last, job, options));
  }
  Coverage all;
  bool well = true;
  for (const Child& child : children) {
    well = collect(child, all) && well;
  }
  std::cout << "seeds " << first << " to " << last << ": " << (well ? "all well" : "FAILED")
            << '\n';
  all.print_counts(std::cout);
  const bool enough = all.print_table(std::cout, options.least);
  const std::uint64_t combined = all.counted("seeds_with_three_at_once");
  const bool often = options.least == 0 || combined * 100 >= all.counted("seeds");
  std::cout << "a rebalance, a torn file and a zombie together in " << combined << " of "
            << all.counted("seeds") << " seeds\n";
  if (!enough) {
    std::cout << "cells marked ! were hit fewer than " << options.least << " times: FAILED\n";
  }
  return well && enough && often ? 0 : 1;
}

int run_one(const Options& options) {
  std::signal(SIGABRT, on_abort);
  seed_in_hand = options.seed;
  const RunResult result = run({options.seed, options.trace, options.operators, options.dump});
  if (!result.wrong.empty()) {
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(options.seed),
                result.wrong.c_str());
    return 1;
  }
  std::printf("seed %llu: all well\n", static_cast<unsigned long long>(options.seed));
  return 0;
}

int run_main(int argc, char** argv) {
  Options options;
  program = argv[0];
  CLI::App app("deterministic simulation: one seed, one run", "kpay-sim");
  app.add_option("--seeds", options.seeds, "a range, a..b");
  app.add_option("--seed", options.seed, "one run");
  app.add_flag("--trace", options.trace, "with --seed: tells what happens");
  app.add_option("--dump", options.dump,
                 "a folder for the raw topics, with --seeds one in it for each");
  app.add_option("--jobs", options.jobs, "processes, over disjoint seeds")
      ->check(CLI::Range(1, 256));
  app.add_option("--least", options.least, "hits that each cell of the crash table needs");
  app.add_flag("--fixed-set", options.fixed_set, "the seeds of `make sim`, each cell hit often");
  app.add_flag("!--without-operators", options.operators,
               "no operators' records, of which the oracle knows nothing");
  app.add_flag("--until-wrong", options.until_wrong, "ends at the first seed that fails");
  CLI11_PARSE(app, argc, argv);
  if (options.fixed_set) {
    options.seeds = kFixedSeeds;
    options.least = kFixedLeast;
  }
  replay_options = options.operators ? "" : " --without-operators";
  return options.seed != 0 ? run_one(options) : run_range(options);
}

}  // namespace
}  // namespace kpay::sim

int main(int argc, char** argv) { return kpay::sim::run_main(argc, argv); }
