import Lake
open Lake DSL

package pyzoo

@[default_target]
lean_lib Spec

lean_exe evaluator where
  root := `Eval
