// ControlPlane: an instance's ends of control.state, control.status and metadata. docs/control.md
// has the records.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "daemons/service/status.h"
#include "kafka/plain_producer.h"
#include "kafka/topic_reader.h"

namespace kpay::daemons {

class ControlPlane {
 public:
  struct Parts {
    kafka::ClientOptions client;
    std::string topic_prefix;
    std::string instance;
    /// Called with what is wanted of the pipeline, first before open() returns and then on change.
    std::function<void(bool paused)> on_pipeline;
  };

  /// Waits for the topics until `stopping`, then reads control.state to its end: a pause that
  /// stands is known BEFORE any task runs.
  static Result<std::unique_ptr<ControlPlane>> open(
      Parts parts, const std::atomic<bool>& stopping,
      const std::function<void(const std::string&)>& say);
  ~ControlPlane();
  ControlPlane(const ControlPlane&) = delete;
  ControlPlane& operator=(const ControlPlane&) = delete;

  /// Publishes status, and metadata when it changed. One thread.
  void publish(const InstanceStatus& status);
  /// Publishes the last status, takes back the metadata, and waits for both to arrive.
  void retire(const InstanceStatus& status);

 private:
  explicit ControlPlane(Parts parts) : parts_(std::move(parts)) {}
  Result<void> read_to_end(const std::atomic<bool>& stopping,
                           const std::function<void(const std::string&)>& say);
  void take(const stream::LogRecord& record);
  void follow();

  Parts parts_;
  std::unique_ptr<kafka::TopicReader> reader_;
  std::unique_ptr<kafka::PlainProducer> producer_;
  std::int64_t next_ = 0;
  std::atomic<bool> stopping_ = false;
  std::string metadata_;
  std::thread thread_;
};

}  // namespace kpay::daemons
