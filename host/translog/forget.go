package translog

import (
	"errors"
	"fmt"
)

// ErrUnknownLog says that a witness has cosigned nothing of a log.
var ErrUnknownLog = errors.New("the witness has cosigned nothing of this log")

// ForgetLog makes a witness forget how long a log was, because it was lost and begun anew, as
// a verified [Restart] says and a person has found to be true. It returns how many leaves had
// been cosigned. The next checkpoint is then trusted as a first one is. No other process may
// use the file meanwhile.
func ForgetLog(file, origin string) (size int64, err error) {
	w := &WitnessServer{file: file}
	state, err := w.load()
	if err != nil {
		return 0, fmt.Errorf("state of the witness: %w", err)
	}
	last, ok := state[origin]
	if !ok {
		return 0, ErrUnknownLog
	}
	delete(state, origin)
	if err := w.save(state); err != nil {
		return 0, fmt.Errorf("state of the witness: %w", err)
	}
	return last.Size, nil
}
