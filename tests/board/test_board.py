"""systemd itself starts the agent."""


def test_systemd_is_up(board):
    assert board.run("systemctl is-system-running --wait") == "running"
    print(f"{board.run('uname -r')}, {board.run('systemctl --version').splitlines()[0]}: "
          f"up after {board.seconds:.0f} s")
