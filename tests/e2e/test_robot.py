"""The simulated robot from outside: state, modes, targets, and what restarts do to it."""

import math
import time

import pytest

from harness import until

# Contract robot.md 1.2; body yaw, stewart_1..6, right and left antenna.
LIMITS = [(-3.141593, 3.140059), (-0.837554, 1.395922), (-1.395922, 1.221049),
          (-0.837554, 1.395922), (-1.395922, 0.837554), (-1.221049, 1.395922),
          (-1.395922, 0.837554), (-3.141593, 3.140059), (-3.141593, 3.140059)]
INIT_ANTENNAS = (-0.1745, 0.1745)
SLEEP_ANTENNAS = (-3.05, 3.05)
# robot.md 3.6 and http-api: the init pose is the identity; in the sleep pose the head lies low.
SLEEP_Z = -0.044


class Robot:
    """The robot as a client on /ws/sdk sees it."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.ws = daemon.ws()

    def send(self, type_word, **fields):
        self.ws.send({"type": type_word, **fields})

    def joints(self):
        """All nine, fresh."""
        self.ws.drain(0)
        message = self.ws.expect("joint_positions")
        return message["head_joint_positions"] + message["antennas_joint_positions"]

    def pose(self):
        self.ws.drain(0)
        return self.ws.expect("head_pose")["head_pose"]

    def mode(self):
        return self.daemon.status()["backend_status"]["motor_control_mode"]

    def wait_mode(self, mode):
        until(f"mode {mode}", lambda: self.mode() == mode)

    def wait_joint(self, index, value, tolerance=1e-3, patience_s=5):
        def there():
            return abs(self.joints()[index] - value) <= tolerance
        until(f"joint {index} at {value}", there, patience_s)

    def wait_still(self, patience_s=10):
        """Waits until two looks 0.15 s apart see the same joints."""
        def still():
            before = self.joints()
            self.ws.drain(0.15)
            return max(abs(a - b) for a, b in zip(before, self.joints())) < 1e-4
        until("the robot is still", still, patience_s)


@pytest.fixture
def robot(daemon):
    return Robot(daemon)


def assert_rotation(pose):
    rows = [row[:3] for row in pose[:3]]
    for i in range(3):
        for j in range(3):
            dot = sum(a * b for a, b in zip(rows[i], rows[j]))
            assert abs(dot - (i == j)) < 1e-6
    assert pose[3] == [0, 0, 0, 1]


def test_state_comes_at_50_hz_joints_before_pose(robot):
    robot.ws.expect("joint_positions")
    messages = robot.ws.drain(2.0)
    kinds = [m["type"] for m in messages if m["type"] != "daemon_status"]
    joints = [m for m in messages if m["type"] == "joint_positions"]
    assert 90 <= len(joints) <= 105
    assert kinds[0::2] in (["head_pose"] * len(kinds[0::2]), ["joint_positions"] * len(kinds[0::2]))
    assert joints[0].keys() == {"type", "head_joint_positions", "antennas_joint_positions"}
    assert len(joints[0]["head_joint_positions"]) == 7
    assert len(joints[0]["antennas_joint_positions"]) == 2
    statuses = [m for m in messages if m["type"] == "daemon_status"]
    assert 1 <= len(statuses) <= 3


def test_the_simulated_robot_begins_asleep(robot):
    joints = robot.joints()
    assert joints[7:] == pytest.approx(SLEEP_ANTENNAS, abs=0.01)
    pose = robot.pose()
    assert_rotation(pose)
    assert pose[2][3] == pytest.approx(SLEEP_Z, abs=0.002)


def test_targets_are_followed_and_cut_to_the_limits(robot):
    robot.send("set_antennas", antennas=[0.5, -0.25])
    robot.wait_joint(7, 0.5)
    robot.wait_joint(8, -0.25)
    robot.send("set_full_target", antennas=[99, -99])
    robot.wait_joint(7, LIMITS[7][1])
    robot.wait_joint(8, LIMITS[8][0])
    for side in (0, 1):
        wanted = [limits[side] * 10 for limits in LIMITS[:7]]
        robot.send("set_head_joints", joints=wanted)
        for index in range(7):
            robot.wait_joint(index, LIMITS[index][side])
    assert robot.daemon.health()["verdict"] == "healthy"


def test_body_yaw_turns_the_body_under_the_head(robot):
    robot.send("set_head_joints", joints=[0.0, 0.6265, -0.6265, 0.6265, -0.6265, 0.6265, -0.6265])
    robot.wait_joint(1, 0.6265)
    robot.wait_still()
    before = robot.pose()
    robot.send("set_body_yaw", body_yaw=0.3)
    robot.wait_joint(0, 0.3)
    robot.wait_still()
    after = robot.pose()
    assert_rotation(after)
    for r in range(3):
        for c in range(4):
            assert after[r][c] == pytest.approx(before[r][c], abs=2e-3)


def test_wrong_targets_change_nothing(robot):
    before = robot.joints()
    for joints in ([0.0] * 6, [0.0] * 8, [], [math.nan] * 7, [math.inf] * 7, "x", None):
        robot.send("set_head_joints", joints=joints)
    robot.send("set_antennas", antennas=[1.0])
    robot.send("set_antennas", antennas=[math.nan, 0.0])
    robot.ws.send('{"type":"set_body_yaw","body_yaw":1e400}')
    robot.send("set_body_yaw", body_yaw="north")
    # Half a metre up: refused whole.
    robot.send("set_full_target", head=[1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0.5, 0, 0, 0, 1],
               antennas=[1.0, 1.0])
    robot.ws.drain(0.2)
    assert robot.joints() == pytest.approx(before, abs=1e-6)
    assert robot.daemon.health()["verdict"] == "healthy"


def test_modes(robot):
    assert robot.mode() == "enabled"
    for mode in ("disabled", "gravity_compensation", "enabled", "disabled"):
        robot.send("set_motor_mode", mode=mode)
        robot.wait_mode(mode)
    robot.send("set_motor_mode", mode="limp")
    robot.send("set_torque", on=True)
    robot.wait_mode("enabled")
    robot.send("set_torque", on=False)
    robot.wait_mode("disabled")
    # Disabled, nothing moves.
    before = robot.joints()
    robot.send("set_antennas", antennas=[0.0, 0.0])
    robot.ws.drain(0.2)
    assert robot.joints() == pytest.approx(before, abs=1e-6)


def test_1138_enabling_pins_the_targets_where_the_robot_is(robot):
    robot.send("set_antennas", antennas=[0.4, 0.4])
    robot.wait_joint(7, 0.4)
    robot.send("set_motor_mode", mode="disabled")
    robot.wait_mode("disabled")
    # A goal from the time of limpness, and then torque: the robot stays where it is.
    robot.send("set_antennas", antennas=[-1.0, -1.0])
    robot.send("set_head_joints", joints=[1.0, 0.6, -0.6, 0.6, -0.6, 0.6, -0.6])
    robot.ws.drain(0.1)
    before = robot.joints()
    robot.send("set_motor_mode", mode="enabled")
    robot.wait_mode("enabled")
    robot.ws.drain(0.3)
    assert robot.joints() == pytest.approx(before, abs=1e-3)
    # What is asked for afterwards is followed.
    robot.send("set_antennas", antennas=[0.1, 0.1])
    robot.wait_joint(7, 0.1)


@pytest.mark.parametrize("scope", ["backend", "daemon"])
@pytest.mark.parametrize("mode", ["enabled", "disabled"])
def test_mc35_torque_and_pose_are_kept_over_restarts(daemon, robot, scope, mode):
    robot.send("set_antennas", antennas=[0.7, -0.7])
    robot.send("set_head_joints", joints=[0.2, 0.6, -0.6, 0.6, -0.6, 0.6, -0.6])
    robot.wait_joint(7, 0.7)
    robot.wait_joint(0, 0.2)
    robot.send("set_motor_mode", mode=mode)
    robot.wait_mode(mode)
    robot.ws.drain(0.1)  # so that the servos have been read since
    before = robot.joints()
    receipt = daemon.restart_and_wait(scope=scope)
    assert receipt["torque_kept"] is True and receipt["max_step_deg"] <= 0.5
    again = Robot(daemon)
    assert again.mode() == mode
    again.ws.drain(0.2)
    assert again.joints() == pytest.approx(before, abs=math.radians(0.5))


def test_a_mode_that_was_set_just_before_a_restart_counts(daemon, robot):
    for number in range(6):
        mode = ("disabled", "enabled")[number % 2]
        robot.send("set_motor_mode", mode=mode)
        robot.send("restart_daemon", scope="backend", id=f"at-once-{number}")
        robot.ws.expect(lambda m: m.get("phase") == "done")
        assert robot.mode() == mode
        assert daemon.receipt(f"at-once-{number}")["torque_kept"] is True


def test_wake_up_on_start_really_wakes(daemon, robot):
    assert robot.joints()[7:] == pytest.approx(SLEEP_ANTENNAS, abs=0.01)
    robot.send("set_motor_mode", mode="disabled")
    robot.wait_mode("disabled")
    receipt = daemon.restart_and_wait(wake_up_on_start="true")
    assert receipt["error"] is None and receipt["flags"]["wake_up_on_start"] is True
    awake = Robot(daemon)
    assert awake.mode() == "enabled"
    assert awake.joints()[7:] == pytest.approx(INIT_ANTENNAS, abs=0.01)
    pose = awake.pose()
    for r in range(3):
        for c in range(4):
            assert pose[r][c] == pytest.approx(r == c, abs=5e-3)


def test_goto_sleep_on_stop_really_sleeps_before_it_stops(daemon, robot):
    robot.send("set_head_joints", joints=[0.0, 0.6265, -0.6265, 0.6265, -0.6265, 0.6265, -0.6265])
    robot.send("set_antennas", antennas=list(INIT_ANTENNAS))
    robot.wait_joint(7, INIT_ANTENNAS[0])
    receipt = daemon.ended(daemon.restart(goto_sleep_on_stop="true")["id"], patience_s=15)
    words = [p["phase"] for p in receipt["phases"]]
    assert receipt["outcome"] == "done" and words.index("sleeping") < words.index("stopping")
    assert receipt["notes"] == []
    asleep = Robot(daemon)
    assert asleep.mode() == "disabled"
    assert asleep.joints()[7:] == pytest.approx(SLEEP_ANTENNAS, abs=0.02)
    assert asleep.pose()[2][3] == pytest.approx(SLEEP_Z, abs=0.003)


def test_a_move_refuses_targets_and_can_be_stopped(robot):
    robot.send("wake_up")
    until("it moves", lambda: abs(robot.joints()[7] - SLEEP_ANTENNAS[0]) > 0.05)
    robot.send("set_antennas", antennas=[2.0, 2.0])
    robot.send("stop_move")
    robot.wait_still(2)
    joints = robot.joints()
    assert abs(joints[7] - 2.0) > 0.5 and abs(joints[7] - INIT_ANTENNAS[0]) > 0.05
    robot.daemon.wait_log("Ignoring antennas command: a move is currently running")


def test_nothing_moves_at_a_start_that_was_not_asked_to(daemon, robot):
    before = robot.joints()
    daemon.kill()
    daemon.start()
    began = time.monotonic()
    again = Robot(daemon)
    while time.monotonic() - began < 0.5:
        assert again.joints() == pytest.approx(before, abs=1e-3)


def test_1278_ready_and_last_alive_are_exact(daemon):
    for _ in range(3):
        status = daemon.status()["backend_status"]
        assert status["ready"] is True
        assert abs(status["last_alive"] - time.time()) < 0.5
        daemon.restart_and_wait(scope="backend")
    first = daemon.status()["backend_status"]["last_alive"]
    until("last_alive goes on", lambda: daemon.status()["backend_status"]["last_alive"] > first)
    stats = until("a second of statistics",
                  lambda: daemon.status()["backend_status"]["control_loop_stats"])
    assert 45 <= stats["mean_control_loop_frequency"] <= 55
    assert stats["nb_error"] == 0 and "ControlLoopStats" in stats["motor_controller"]
