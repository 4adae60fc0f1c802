// ControlPlane: an instance's ends of control.state, control.status and metadata. docs/control.md
// has the records.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "daemons/service/status.h"
#include "kafka/plain_producer.h"
#include "kafka/topic_reader.h"
#include "stream/operator_record.h"

namespace kpay::daemons {

class ControlPlane {
 public:
  struct Parts {
    kafka::ClientOptions client;
    std::string topic_prefix;
    std::string instance;
    /// Called with what is wanted of the pipeline, first before open() returns and then on change.
    std::function<void(bool paused)> on_pipeline;
    /// Called with each override that a task which reads from outside has found signed (R23).
    std::function<void(const stream::OperatorAnswer& answer)> on_override;
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
  void take_override(const stream::LogRecord& record);
  void look_up_overrides();
  void follow();

  Parts parts_;
  std::unique_ptr<kafka::TopicReader> reader_;
  std::unique_ptr<kafka::PlainProducer> producer_;
  std::int64_t next_ = 0;
  /// Where on ops.dlq answers stand that were named and not read yet, and when to try again.
  std::vector<kafka::PartitionRange> named_;
  std::int64_t look_up_ms_ = 0;
  std::atomic<bool> stopping_ = false;
  std::string metadata_;
  std::thread thread_;
};

}  // namespace kpay::daemons
