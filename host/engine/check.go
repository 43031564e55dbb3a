package engine

import (
	"fmt"
	"slices"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// A signature is the parameters and results of an exported function.
type signature struct{ params, results []api.ValueType }

const (
	i32 = api.ValueTypeI32
	i64 = api.ValueTypeI64
)

// exports are the functions a module has, no more and no less.
var exports = map[string]signature{
	"_initialize": {},
	"abi_version": {nil, []api.ValueType{i32}},
	"alloc":       {[]api.ValueType{i32}, []api.ValueType{i32}},
	"release":     {[]api.ValueType{i32}, nil},
	"call":        {[]api.ValueType{i32, i32, i32}, []api.ValueType{i64}},
	"stop_word":   {nil, []api.ValueType{i32}},
}

// wasi is the only module to import from, and imports the functions of it that
// the Go runtime asks for. All are harmless here: there are no files, arguments
// or environment.
const wasi = "wasi_snapshot_preview1"

var imports = []string{
	"args_get", "args_sizes_get", "clock_time_get", "environ_get", "environ_sizes_get",
	"fd_close", "fd_fdstat_get", "fd_fdstat_set_flags", "fd_prestat_dir_name", "fd_prestat_get",
	"fd_read", "fd_write", "poll_oneoff", "proc_exit", "random_get", "sched_yield",
}

// checkModule refuses a module that is not the core.
func checkModule(m wazero.CompiledModule) error {
	for _, f := range m.ImportedFunctions() {
		module, name, _ := f.Import()
		if module != wasi || !slices.Contains(imports, name) {
			return fmt.Errorf("the module imports %q.%q, which the core does not need", module, name)
		}
	}
	if len(m.ImportedMemories()) != 0 {
		return fmt.Errorf("the module imports its memory")
	}
	if _, ok := m.ExportedMemories()["memory"]; !ok || len(m.ExportedMemories()) != 1 {
		return fmt.Errorf("the module does not export one memory called \"memory\"")
	}
	have := m.ExportedFunctions()
	for name, want := range exports {
		f, ok := have[name]
		if !ok {
			return fmt.Errorf("the module does not export %q", name)
		}
		if !slices.Equal(f.ParamTypes(), want.params) || !slices.Equal(f.ResultTypes(), want.results) {
			return fmt.Errorf("the module's %q has another signature", name)
		}
	}
	for name := range have {
		if _, ok := exports[name]; !ok {
			return fmt.Errorf("the module exports %q, which is not part of the boundary", name)
		}
	}
	return nil
}
