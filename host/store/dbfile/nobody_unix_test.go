//go:build unix

package dbfile_test

import (
	"os/exec"
	"syscall"
)

// nobody is the user and group without rights.
const nobody = 65534

func asNobody(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}
