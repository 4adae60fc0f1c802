// StateFolder: the folder of an instance's state files, ours alone while the process lives.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "store/death_notes.h"
#include "store/state_store.h"
#include "stream/changelog.h"
#include "stream/stage.h"

namespace kpay::daemons {

class StateFolder {
 public:
  /// Makes the folder if need be, and locks it. Errors: conflict (another process has it), io.
  static Result<std::unique_ptr<StateFolder>> open(const std::string& path, bool sync_full);
  ~StateFolder();
  StateFolder(const StateFolder&) = delete;
  StateFolder& operator=(const StateFolder&) = delete;

  /// What the tasks have in hand, and what killed this very binary before (R23): the file "notes".
  [[nodiscard]] store::DeathNotes& notes() const noexcept { return *notes_; }

  /// The state file of one task: "<stage>-<partition>.db".
  Result<std::unique_ptr<store::StateStore>> open_store(const stream::StageSpec& spec,
                                                        std::int32_t partition,
                                                        const stream::Identity& identity) const;

 private:
  StateFolder(std::string path, int lock, bool sync_full)
      : path_(std::move(path)), lock_(lock), sync_full_(sync_full) {}

  std::string path_;
  int lock_;
  bool sync_full_;
  std::unique_ptr<store::DeathNotes> notes_;
};

}  // namespace kpay::daemons
