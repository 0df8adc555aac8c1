#include "daruma/protocol/command_table.hpp"

#include <algorithm>
#include <array>

namespace daruma::protocol {
namespace {

using enum FieldType;
using enum Owner;
using enum Answer;
using enum Access;
using Fields = std::span<const FieldSpec>;

constexpr FieldSpec required(std::string_view name, FieldType type, std::string_view meaning = {}) {
  return {.name = name, .type = type, .meaning = meaning};
}
constexpr FieldSpec nullable(FieldSpec field) {
  field.presence = Presence::kNullable;
  return field;
}
constexpr FieldSpec by_default(std::string_view json, FieldSpec field) {
  field.presence = Presence::kDefault;
  field.default_json = json;
  return field;
}
constexpr FieldSpec between(double minimum, double maximum, FieldSpec field) {
  field.minimum = minimum;
  field.maximum = maximum;
  return field;
}
constexpr FieldSpec at_least(double minimum, FieldSpec field) {
  field.minimum = minimum;
  return field;
}
constexpr FieldSpec length(std::uint32_t shortest, std::uint32_t longest, FieldSpec field) {
  field.min_length = shortest;
  field.max_length = longest;
  return field;
}
constexpr FieldSpec exactly(std::uint32_t count, FieldSpec field) {
  return length(count, count, field);
}
constexpr FieldSpec one_of(std::span<const std::string_view> choices, FieldSpec field) {
  field.choices = choices;
  return field;
}
constexpr FieldSpec empty_is_absent(FieldSpec field) {
  field.empty_is_absent = true;
  return field;
}
constexpr FieldSpec printable(FieldSpec field) {
  field.printable_ascii = true;
  return field;
}
/// A receipt's name (recovery.md: 1..64 printable ASCII).
constexpr FieldSpec receipt_id(std::string_view meaning) {
  return printable(length(1, 64, required("id", kString, meaning)));
}

// --- motion
// ---------------------------------------------------------------------------------------
constexpr FieldSpec kHeadPose =
    exactly(16, required("head", kNumbers, "head pose, 4x4 row-major, metres"));
constexpr FieldSpec kAntennaPair =
    exactly(2, required("antennas", kNumbers, "right then left, rad"));
constexpr FieldSpec kBodyYawAngle = required("body_yaw", kNumber, "rad");

constexpr FieldSpec kSetTarget[] = {kHeadPose};
constexpr FieldSpec kSetHeadJoints[] = {
    exactly(7, required("joints", kNumbers, "body yaw, then stewart_1..6, rad"))};
constexpr FieldSpec kSetBodyYaw[] = {kBodyYawAngle};
constexpr FieldSpec kSetAntennas[] = {kAntennaPair};
constexpr FieldSpec kSetFullTarget[] = {nullable(kHeadPose), nullable(kAntennaPair),
                                        nullable(kBodyYawAngle)};
constexpr FieldSpec kGotoTarget[] = {
    empty_is_absent(nullable(kHeadPose)), empty_is_absent(nullable(kAntennaPair)),
    by_default("0.5", required("duration", kNumber, "s; zero or less ends at once")),
    nullable(kBodyYawAngle)};

// --- sound and recorded moves
// ---------------------------------------------------------------------
constexpr FieldSpec kPlaySound[] = {required("file", kString, "a bundled sound, or a path")};
constexpr FieldSpec kPlayRecordedMove[] = {
    required("move_name", kString),
    nullable(required("dataset_name", kString, "null or empty: the emotions library")),
    by_default("0.0", required("initial_goto_duration", kNumber, "s"))};
constexpr FieldSpec kTask[] = {
    length(1, 64, required("uuid", kString, "names the task in its `task_progress`")),
    required("req", kObject, "the fields of `goto_target`, and `method`")};
constexpr FieldSpec kPreloadDataset[] = {required("dataset_name", kString)};
constexpr FieldSpec kAppendRecord[] = {required("record", kObject)};

// --- motors
// ---------------------------------------------------------------------------------------
constexpr FieldSpec kSetMotorMode[] = {
    required("mode", kString, "`enabled`, `disabled` or `gravity_compensation`")};
constexpr FieldSpec kSetTorque[] = {required("on", kBool),
                                    nullable(required("ids", kStrings, "servo names; null: all"))};
constexpr FieldSpec kEnabled[] = {required("enabled", kBool)};

// --- volume, name, account
// ------------------------------------------------------------------------
constexpr FieldSpec kVolume[] = {between(0, 100, required("volume", kInt, "percent"))};
constexpr FieldSpec kSetRobotName[] = {length(1, 64, required("name", kString))};
constexpr FieldSpec kSetFirstWakeUp[] = {by_default("true", required("is_completed", kBool))};

// --- aim and audio board
// -------------------------------------------------------------------------- Offsets of any other
// length than 6 are acknowledged and ignored, so no length stands here.
constexpr FieldSpec kSetSpeechOffsets[] = {
    required("offsets", kNumbers, "x y z in metres, roll pitch yaw in rad")};
constexpr FieldSpec kSetHeadTracking[] = {
    required("enabled", kBool),
    by_default("1.0", between(0, 1, required("weight", kNumber, "0 pauses the detector")))};
constexpr FieldSpec kApplyAudioConfig[] = {required("config", kObjects, "list of `{name, values}`"),
                                           by_default("true", required("verify", kBool))};
constexpr FieldSpec kReadAudioParameter[] = {required("name", kString)};

// --- uploads
// --------------------------------------------------------------------------------------
constexpr std::string_view kMoveEncodings[] = {"json", "gzip+base64"};
constexpr std::string_view kAudioEncodings[] = {"wav-base64", "mp3-base64",  "ogg-base64",
                                                "oga-base64", "opus-base64", "flac-base64",
                                                "m4a-base64", "aac-base64"};
constexpr FieldSpec kUploadId = required("upload_id", kString);
constexpr FieldSpec kDescription = by_default(R"("")", required("description", kString));
constexpr FieldSpec kUploadMoveStart[] = {
    kUploadId, between(1, 4096, required("total_chunks", kInt)), kDescription,
    by_default("0", at_least(0, required("estimated_duration_s", kNumber))),
    by_default(R"("json")", one_of(kMoveEncodings, required("encoding", kString)))};
constexpr FieldSpec kUploadAudioStart[] = {
    kUploadId, between(1, 16384, required("total_chunks", kInt)),
    by_default(R"("wav-base64")", one_of(kAudioEncodings, required("encoding", kString))),
    kDescription};
constexpr FieldSpec kUploadChunk[] = {kUploadId, at_least(0, required("chunk_index", kInt)),
                                      length(0, 16384, required("chunk", kString))};
constexpr FieldSpec kUploadOnly[] = {kUploadId};
constexpr FieldSpec play_frequency() {
  auto field = between(0, 200, required("play_frequency", kNumber, "Hz"));
  field.exclusive_minimum = true;
  return by_default("100", field);
}
constexpr FieldSpec kPlayUploadedMove[] = {
    kUploadId, play_frequency(),
    by_default("0", at_least(0, required("initial_goto_duration", kNumber, "s"))),
    by_default("0", between(-2000, 2000, required("audio_lead_ms", kNumber, "ms")))};

// --- lifecycle
// ------------------------------------------------------------------------------------
constexpr std::string_view kScopes[] = {"motor", "backend", "daemon", "process", "auto"};
constexpr FieldSpec off(std::string_view name, std::string_view meaning) {
  return by_default("false", required(name, kBool, meaning));
}
constexpr FieldSpec kRestartDaemon[] = {
    off("goto_sleep_on_stop", "play the sleep move before stopping"),
    off("wake_up_on_start", "enable the motors and wake up after starting"),
    by_default(R"("daemon")", one_of(kScopes, required("scope", kString, "what is rebuilt"))),
    nullable(required("motor", kString, "a servo's name; with scope `motor` only")),
    nullable(receipt_id("idempotency key and name of the receipt")),
    off("dry_run", "says what would happen; does nothing"),
    off("confirm", "waits for `restart_confirm` before it tears down (<= 1 s)")};
constexpr FieldSpec kStartUpdate[] = {off("pre_release", "take pre-releases too")};
constexpr FieldSpec kStartDaemon[] = {required("wake_up", kBool, "wake up after starting")};
constexpr FieldSpec kStopDaemon[] = {required("goto_sleep", kBool, "sleep move before stopping")};
constexpr FieldSpec kReceiptId[] = {receipt_id("name of the receipt")};
constexpr FieldSpec kReceiptLimit[] = {
    by_default("20", between(1, 256, required("limit", kInt, "newest first")))};

constexpr CommandSpec row(std::string_view type, Fields fields, Owner owner, Answer answer,
                          Access access, std::string_view meaning) {
  return {type, fields, owner, answer, access, Origin::kReference, meaning};
}
constexpr CommandSpec own(std::string_view type, Fields fields, Answer answer, Access access,
                          std::string_view meaning) {
  return {type, fields, kHouse, answer, access, Origin::kDaruma, meaning};
}
/// The wire fixes the answer to a malformed `restart_daemon` to one key.
constexpr CommandSpec bare(CommandSpec spec) {
  spec.bare_refusal = true;
  return spec;
}

// clang-format off
constexpr CommandSpec kTable[] = {
  row("set_target", kSetTarget, kRoom, kOnce, kOperate, "Head target at once"),
  row("set_head_joints", kSetHeadJoints, kRoom, kOnce, kOperate, "Joint target at once, past inverse kinematics"),
  row("set_body_yaw", kSetBodyYaw, kRoom, kOnce, kOperate, "Body yaw target at once"),
  row("set_antennas", kSetAntennas, kRoom, kOnce, kOperate, "Antenna targets at once"),
  row("set_full_target", kSetFullTarget, kRoom, kOnce, kOperate, "Several targets at once; what is absent stays"),
  row("goto_target", kGotoTarget, kRoom, kLate, kOperate, "Minimum-jerk motion to a target"),
  row("task", kTask, kRoom, kLate, kOperate, "A goto of the SDK; `/ws/sdk` answers with `task_progress` to all its clients"),
  row("wake_up", {}, kRoom, kLate, kOperate, "Wake-up move"),
  row("goto_sleep", {}, kRoom, kLate, kOperate, "Sleep move; ends with the motors disabled"),
  row("stop_move", {}, kRoom, kOnce, kOperate, "Interrupts every move and its sound"),
  row("play_sound", kPlaySound, kNobody, kOnce, kOperate, "Plays a sound file"),
  row("clear_incoming_audio", {}, kNobody, kOnce, kOperate, "Drops queued audio of the peer"),
  row("play_recorded_move", kPlayRecordedMove, kRoom, kLate, kOperate, "Loads and plays a recorded move"),
  row("preload_dataset", kPreloadDataset, kRoom, kLate, kOperate, "Downloads a data set of moves"),
  row("set_motor_mode", kSetMotorMode, kRoom, kOnce, kOperate, "Mode of all motors"),
  row("get_motor_mode", {}, kRoom, kOnce, kObserve, "Mode of all motors"),
  row("set_torque", kSetTorque, kRoom, kOnce, kOperate, "Torque of all or of named motors"),
  row("set_gravity_compensation", kEnabled, kRoom, kOnce, kOperate, "Gravity compensation mode"),
  row("set_automatic_body_yaw", kEnabled, kRoom, kOnce, kOperate, "Lets inverse kinematics turn the body"),
  row("get_state", {}, kRoom, kOnce, kObserve, "Snapshot of the robot"),
  row("get_version", {}, kHouse, kOnce, kObserve, "Version that clients compare"),
  row("get_hardware_id", {}, kHouse, kOnce, kObserve, "Identity of the hardware, or null"),
  row("get_imu", {}, kNobody, kOnce, kObserve, "Newest IMU reading, or null"),
  row("get_tracked_face", {}, kNobody, kOnce, kObserve, "The face that is tracked"),
  row("start_recording", {}, kRoom, kOnce, kOperate, "Clears and opens the recording buffer"),
  row("stop_recording", {}, kRoom, kOnce, kOperate, "Closes and publishes the recording"),
  row("append_record", kAppendRecord, kRoom, kOnce, kOperate, "Adds a record while recording"),
  row("set_volume", kVolume, kNobody, kOnce, kOperate, "Speaker volume"),
  row("get_volume", {}, kNobody, kOnce, kObserve, "Speaker volume"),
  row("set_microphone_volume", kVolume, kNobody, kOnce, kOperate, "Microphone volume"),
  row("get_microphone_volume", {}, kNobody, kOnce, kObserve, "Microphone volume"),
  row("get_robot_name", {}, kHouse, kOnce, kObserve, "The stored name, or null"),
  row("set_robot_name", kSetRobotName, kHouse, kOnce, kAdminister, "Stores a name"),
  row("delete_hf_token", {}, kNobody, kOnce, kAdminister, "Signs the robot out"),
  row("get_first_wake_up", {}, kNobody, kOnce, kObserve, "Whether the first wake-up is done"),
  row("set_first_wake_up", kSetFirstWakeUp, kNobody, kOnce, kAdminister, "Stores whether the first wake-up is done"),
  row("get_telemetry", {}, kNobody, kOnce, kObserve, "Stored choice; nothing is ever sent"),
  row("set_telemetry", kEnabled, kNobody, kLate, kAdminister, "Stores the choice; nothing is ever sent"),
  row("set_speech_offsets", kSetSpeechOffsets, kRoom, kOnce, kOperate, "Offsets on the commanded pose; other lengths than 6 are ignored"),
  row("set_wobbling", kEnabled, kNobody, kOnce, kOperate, "Moves the head with what the speaker plays"),
  row("set_head_tracking", kSetHeadTracking, kNobody, kOnce, kOperate, "Follows a face"),
  row("apply_audio_config", kApplyAudioConfig, kNobody, kOnce, kAdminister, "Writes parameters of the audio board"),
  row("read_audio_parameter", kReadAudioParameter, kNobody, kOnce, kObserve, "Reads a parameter of the audio board"),
  row("subscribe_logs", {}, kHouse, kPushes, kObserve, "Streams the log to this peer"),
  row("unsubscribe_logs", {}, kHouse, kNothing, kObserve, "Ends the log stream"),
  row("subscribe_pose", {}, kHouse, kOnce, kObserve, "Streams the state on channel `pose`"),
  row("unsubscribe_pose", {}, kHouse, kOnce, kObserve, "Ends the pose stream"),
  bare(row("restart_daemon", kRestartDaemon, kHouse, kOnce, kAdminister, "Restarts a part of the daemon, the whole room by default")),
  row("start_update", kStartUpdate, kNobody, kOnce, kAdminister, "Updates the software"),
  row("upload_move_start", kUploadMoveStart, kRoom, kNothing, kOperate, "Opens a slot for a move"),
  row("upload_move_chunk", kUploadChunk, kRoom, kNothing, kOperate, "Next part of a move"),
  row("upload_move_finish", kUploadOnly, kRoom, kNothing, kOperate, "Ends the upload of a move"),
  row("upload_audio_start", kUploadAudioStart, kRoom, kNothing, kOperate, "Opens a slot for a sound"),
  row("upload_audio_chunk", kUploadChunk, kRoom, kNothing, kOperate, "Next part of a sound"),
  row("upload_audio_finish", kUploadOnly, kRoom, kNothing, kOperate, "Ends the upload of a sound"),
  row("play_uploaded_move", kPlayUploadedMove, kRoom, kPushes, kOperate, "Plays an uploaded move once"),
  row("cancel_move", kUploadOnly, kRoom, kNothing, kOperate, "Ends this uploaded move, if it plays"),
  row("play_uploaded_audio", kUploadOnly, kRoom, kPushes, kOperate, "Plays an uploaded sound"),
  row("cancel_audio", kUploadOnly, kRoom, kNothing, kOperate, "Ends this uploaded sound, if it plays"),

  own("get_health", {}, kOnce, kObserve, "Verdict and causes"),
  own("get_daemon_status", {}, kOnce, kObserve, "State of the daemon, as `daemon_status` pushes it"),
  own("start_daemon", kStartDaemon, kOnce, kAdminister, "Builds the room"),
  own("stop_daemon", kStopDaemon, kOnce, kAdminister, "Takes the room down"),
  own("get_restart_receipt", kReceiptId, kOnce, kObserve, "One receipt, or null"),
  own("get_restart_receipts", kReceiptLimit, kOnce, kObserve, "The newest receipts"),
  own("restart_confirm", kReceiptId, kNothing, kAdminister, "The caller's word that the ack arrived"),
};
// clang-format on

constexpr std::size_t kRows = std::size(kTable);

/// Positions of the rows in the order of their types, for lookup.
constexpr std::array<std::uint8_t, kRows> sorted() {
  static_assert(kRows <= 256);
  std::array<std::uint8_t, kRows> order{};
  for (std::size_t i = 0; i < kRows; ++i) order[i] = static_cast<std::uint8_t>(i);
  std::sort(order.begin(), order.end(),
            [](std::uint8_t a, std::uint8_t b) { return kTable[a].type < kTable[b].type; });
  return order;
}
constexpr auto kByType = sorted();

}  // namespace

int CommandSpec::index_of(std::string_view field) const {
  for (std::size_t i = 0; i < fields.size(); ++i)
    if (fields[i].name == field) return static_cast<int>(i);
  return -1;
}

std::span<const CommandSpec> command_table() { return kTable; }

const CommandSpec* find_command(std::string_view type) {
  const auto found = std::lower_bound(
      kByType.begin(), kByType.end(), type,
      [](std::uint8_t row, std::string_view wanted) { return kTable[row].type < wanted; });
  if (found == kByType.end() || kTable[*found].type != type) return nullptr;
  return &kTable[*found];
}

}  // namespace daruma::protocol
