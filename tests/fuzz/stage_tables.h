// StageTables: the tables of all five stages and the runtime's own, empty.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "stages/specs.h"
#include "stream/dead_letter.h"
#include "stream/operator_key.h"

namespace kpay::fuzz {

class StageTables {
 public:
  StageTables() {
    for (const stream::StageSpec& spec : stages::all_specs()) {
      stages_.push_back(spec.make(0, 1));
      for (stream::TableBase* table : stages_.back()->tables()) {
        add(*table, spec.name + "." + table->name());
      }
    }
    add(letters_, letters_.name());
    add(keys_, keys_.name());
  }

  [[nodiscard]] std::span<stream::TableBase* const> all() const noexcept { return tables_; }
  /// "stage.table", in the same order.
  [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }

 private:
  void add(stream::TableBase& table, std::string name) {
    table.set_number(static_cast<std::uint16_t>(tables_.size()));
    tables_.push_back(&table);
    names_.push_back(std::move(name));
  }

  std::vector<std::unique_ptr<stream::Stage>> stages_;
  stream::DeadLetters letters_{"dead_letters"};
  stream::OperatorKeys keys_{"operator_keys"};
  std::vector<stream::TableBase*> tables_;
  std::vector<std::string> names_;
};

}  // namespace kpay::fuzz
