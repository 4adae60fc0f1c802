#include "kafka/worker.h"

#include "base/failpoint.h"
#include "kafka/output_reader.h"

namespace kpay::kafka {

namespace {

constexpr std::int64_t kIdleWaitMs = 20;
constexpr int kQuestionMs = 5000;

}  // namespace

// Two readers, and answers that come back through the worker's mailbox.
class Worker::Port final : public stream::TaskPort {
 public:
  Port(Worker& worker, const stream::TaskTopics& topics, std::int32_t partition, stream::Pace pace)
      : worker_(&worker),
        partition_(partition),
        changelog_name_(worker.parts_.topics->full_name(topics.changelog)),
        input_(
            reader(pace == stream::Pace::prompt ? worker.prompt_ : worker.relaxed_, topics.input)),
        changelog_(reader(worker.relaxed_, topics.changelog)),
        answer_(std::make_shared<Answer>()) {}

  void read_input(std::int64_t offset) override { begin(input_, offset); }
  void stop_input() override { input_.stop(); }
  void read_changelog(std::int64_t offset) override { begin(changelog_, offset); }
  void stop_changelog() override { changelog_.stop(); }

  void query_changelog() override {
    worker_->questions_->add([worker = worker_, name = changelog_name_, partition = partition_,
                              weak = std::weak_ptr(answer_)] {
      Result<stream::LogBounds> bounds = worker->admin_->bounds(name, partition, kQuestionMs);
      worker->post([weak, bounds](stream::Host&) {
        if (const std::shared_ptr<Answer> answer = weak.lock()) {
          answer->bounds = bounds;
        }
      });
    });
  }

  void query_outputs(const stream::StageSpec& spec, const Uuid& lineage,
                     std::int64_t since) override {
    OutputQuestion question{spec, partition_, worker_->parts_.partitions, lineage, since};
    worker_->questions_->add([worker = worker_, question, weak = std::weak_ptr(answer_)] {
      Result<stream::SentNumbers> sent =
          read_outputs(worker->parts_.client, *worker->parts_.topics, question);
      worker->post([weak, sent](stream::Host&) {
        if (const std::shared_ptr<Answer> answer = weak.lock()) {
          answer->sent = sent;
        }
      });
    });
  }

  void trim_changelog(std::int64_t offset) override {
    worker_->questions_->add(
        [worker = worker_, name = changelog_name_, partition = partition_, offset] {
          KPAY_FAILPOINT(before_trim);
          // Untrimmed is only longer: the next base trims again.
          (void)worker->admin_->delete_before(name, partition, offset, kQuestionMs);
          KPAY_FAILPOINT(after_trim);
        });
  }

  void background(std::function<void()> work, std::function<void()> done) override {
    worker_->stores_->add(
        [worker = worker_, work = std::move(work), done = std::move(done)]() mutable {
          work();
          work = nullptr;
          worker->post([done = std::move(done)](stream::Host&) { done(); });
        });
  }

  bool pump(stream::Task& task) override {
    bool any = false;
    if (answer_->bounds) {
      const Result<stream::LogBounds> bounds = *std::exchange(answer_->bounds, std::nullopt);
      task.on_changelog_bounds(bounds);
      any = true;
    }
    if (answer_->sent) {
      const Result<stream::SentNumbers> sent = *std::exchange(answer_->sent, std::nullopt);
      task.on_outputs(sent);
      any = true;
    }
    const auto take_changelog = [&](const stream::LogRecord& record) {
      task.on_changelog(record);
      return true;
    };
    const auto changelog_failed = [&](const std::string& what) {
      task.on_changelog_read_error(what);
    };
    any = pump(changelog_, take_changelog, changelog_failed) || any;
    if (task.wants_input()) {
      const auto take_input = [&](const stream::LogRecord& record) {
        if (!task.wants_input()) {
          return false;
        }
        task.on_input(record);
        return true;
      };
      const auto input_failed = [&](const std::string& what) { task.on_read_error(what); };
      any = pump(input_, take_input, input_failed) || any;
    }
    return any;
  }

 private:
  struct Answer {
    std::optional<Result<stream::LogBounds>> bounds;
    std::optional<Result<stream::SentNumbers>> sent;
  };

  [[nodiscard]] PartitionReader reader(const Reading& reading, stream::TopicIndex topic) const {
    return {reading.client.get(), reading.topics[topic].get(), partition_, &worker_->wake_};
  }

  void begin(PartitionReader& reader, std::int64_t offset) {
    if (Result<void> started = reader.start(offset); !started) {
      fault_ = started.error().message;
    }
  }

  bool pump(PartitionReader& reader, const std::function<bool(const stream::LogRecord&)>& taker,
            const std::function<void(const std::string&)>& failed) {
    Result<std::size_t> taken = reader.poll(worker_->parts_.records_per_turn, 0, taker);
    if (!taken || !fault_.empty()) {
      failed(taken ? std::exchange(fault_, {}) : taken.error().message);
      return true;
    }
    return *taken > 0;
  }

  Worker* worker_;
  std::int32_t partition_;
  std::string changelog_name_;
  PartitionReader input_;
  PartitionReader changelog_;
  std::shared_ptr<Answer> answer_;
  std::string fault_;
};

Result<std::unique_ptr<Worker>> Worker::start(Parts parts) {
  std::unique_ptr<Worker> worker(new Worker(std::move(parts)));
  if (Result<void> connected = worker->connect(); !connected) {
    return Unexpected(connected.error());
  }
  worker->thread_ = std::thread([raw = worker.get()] { raw->run(); });
  return worker;
}

Result<void> Worker::connect(Reading& reading, stream::Pace pace) {
  Result<KafkaHandle> client =
      make_reading_client(parts_.client, *parts_.events, parts_.read_ahead_kilobytes,
                          parts_.specs->size() * static_cast<std::size_t>(parts_.partitions), pace);
  if (!client) {
    return Unexpected(client.error());
  }
  reading.client = std::move(*client);
  for (std::size_t i = 0; i < parts_.topics->size(); ++i) {
    const std::string name = parts_.topics->full_name(static_cast<stream::TopicIndex>(i));
    reading.topics.emplace_back(rd_kafka_topic_new(reading.client.get(), name.c_str(), nullptr));
  }
  return {};
}

Result<void> Worker::connect() {
  for (const auto& [reading, pace] :
       {std::pair(&prompt_, stream::Pace::prompt), std::pair(&relaxed_, stream::Pace::relaxed)}) {
    if (Result<void> connected = connect(*reading, pace); !connected) {
      return connected;
    }
  }
  Result<std::unique_ptr<Producer>> producer =
      Producer::connect(parts_.client, *parts_.topics, *parts_.events, wake_);
  if (!producer) {
    return Unexpected(producer.error());
  }
  producer_ = std::move(*producer);
  Result<std::unique_ptr<Admin>> admin = Admin::connect(parts_.client);
  if (!admin) {
    return Unexpected(admin.error());
  }
  admin_ = std::move(*admin);
  outbox_ = std::make_unique<stream::Outbox>(*producer_);
  stream::Host::Parts host;
  host.specs = parts_.specs;
  host.topics = parts_.topics;
  host.cluster_id = parts_.cluster_id;
  host.partitions = parts_.partitions;
  host.options = parts_.task;
  host.outbox = outbox_.get();
  host.make_port = [this](const stream::StageSpec& spec, std::int32_t partition) {
    return std::make_unique<Port>(*this, parts_.topics->topics_for(spec), partition, spec.pace);
  };
  host.make_store = parts_.make_store;
  host.make_nonce = [] { return new_uuid_v4(); };
  host.notice = parts_.notice;
  host.random_seed = static_cast<std::uint64_t>(wall_clock_now().ms);
  host_ = std::make_unique<stream::Host>(std::move(host));
  return {};
}

Worker::~Worker() {
  stopping_ = true;
  wake_.signal();
  if (thread_.joinable()) {
    thread_.join();
  }
  // What still holds a task goes before what the task lives on; the producer goes before the bytes
  // that it was lent.
  questions_.reset();
  stores_.reset();
  posted_.clear();
  producer_.reset();
  outbox_.reset();
  prompt_.topics.clear();
  relaxed_.topics.clear();
}

void Worker::post(std::function<void(stream::Host&)> work) {
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(work));
  }
  wake_.signal();
}

bool Worker::run_posted() {
  std::vector<std::function<void(stream::Host&)>> posted;
  {
    const std::lock_guard lock(mutex_);
    posted.swap(posted_);
  }
  for (const auto& work : posted) {
    work(*host_);
  }
  return !posted.empty();
}

void Worker::run() {
  const std::function<void(std::uint64_t)> delivered = [this](std::uint64_t cookie) {
    outbox_->on_delivered(cookie);
  };
  while (!stopping_) {
    bool busy = producer_->poll(delivered);
    busy = run_posted() || busy;
    busy = host_->turn(monotonic_ms()) || busy;
    turns_.fetch_add(1, std::memory_order_relaxed);
    if (!busy) {
      wake_.wait(kIdleWaitMs);
    }
  }
  host_.reset();
}

}  // namespace kpay::kafka
