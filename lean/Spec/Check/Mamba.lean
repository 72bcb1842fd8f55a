module
public import Spec.Check.Point
public import Spec.Model.SelectiveScan

/-!
# Spec points of Mamba

Axes: `B` sequences, `L` steps, `D` width, `E` inner width, `N` state, `R` rank of the step sizes, `K` taps.
-/

@[expose] public noncomputable section
namespace Spec.Check.Mamba
open Spec.Point
variable {α : Type} [Scalar α] [Recorded α]

/-- `mamba.norm`. -/
def norm : Point := fun α _ _ r => do
  let x ← r.tensor "x"
  let (_, n) := lastAxis x.shape
  let w ← r.shaped "weight" [n]
  let eps ← r.shaped "eps" []
  return ⟨x.shape, n, fun i => flatVec (rmsNorm (w.vec n) (eps.entry 0) (x.vec n (i * n)) : Vector α n)⟩

/-- `mamba.conv`. -/
def conv : Point := fun α _ _ r => do
  let x ← r.tensor "x"
  let w ← r.tensor "weight"
  match x.shape, w.shape with
  | [_, l, e], [e', k] =>
    let b ← r.shaped "bias" [e']
    if e = e' then
      let weight : Mat e k α := w.mat e k
      return ⟨x.shape, l * e, fun i => flatRows (causalConv weight (b.vec e) (x.rows l e (i * (l * e))))⟩
    else throw s!"{r.point}: 'x' has {e} channels, 'weight' has {e'}"
  | s, t => throw s!"{r.point}: 'x' has shape {Request.showShape s} and 'weight' {Request.showShape t}"

/-- `mamba.dt`. -/
def dt : Point := fun _ _ _ r => do
  let x ← r.tensor "x"
  let (_, n) := lastAxis x.shape
  let w ← r.tensor "weight"
  match w.shape with
  | [e, _] =>
    let w ← r.shaped "weight" [e, n]
    let b ← r.shaped "bias" [e]
    return ⟨withLast e x.shape, 1, fun i =>
      #[Spec.Mamba.dtAt (w.vec n (i % e * n)) (b.entry (i % e)) (x.vec n (i / e * n))]⟩
  | s => throw s!"mamba.dt: 'weight' has shape {Request.showShape s}"

/-- `mamba.decay`. -/
def decay : Point := fun _ _ _ r => do
  let dt ← r.tensor "dt"
  let a ← r.tensor "a"
  match dt.shape, a.shape with
  | [b, l, e], [_, n] =>
    let a ← r.shaped "a" [e, n]
    return ⟨[b, l, e, n], 1, fun i => #[Spec.Mamba.decayAt (dt.entry (i / n)) (a.entry (i % (e * n)))]⟩
  | s, t => throw s!"mamba.decay: 'dt' has shape {Request.showShape s} and 'a' {Request.showShape t}"

/-- `mamba.input`. -/
def input : Point := fun α _ _ r => do
  let dt ← r.tensor "dt"
  let b ← r.tensor "b"
  match dt.shape, b.shape with
  | [bs, l, e], [_, _, n] =>
    let b ← r.shaped "b" [bs, l, n]
    let u ← r.shaped "u" [bs, l, e]
    return ⟨[bs, l, e, n], e * n, fun i =>
      flatMat (Spec.Mamba.input (dt.vec e (i * e)) (b.vec n (i * n)) (u.vec e (i * e)) : Mat e n α)⟩
  | s, t => throw s!"mamba.input: 'dt' has shape {Request.showShape s} and 'b' {Request.showShape t}"

/-- `mamba.states`. -/
def states : Point := fun α _ _ r => do
  let d ← r.tensor "decay"
  match d.shape with
  | [b, l, e, n] =>
    let x ← r.shaped "input" [b, l, e, n]
    let h0 ← r.shaped "h0" [b, e, n]
    let steps (i : Nat) : List (Mat e n α × Mat e n α) :=
      entries l fun t => let at_ := (i * l + t.val) * (e * n); (d.mat e n at_, x.mat e n at_)
    return ⟨d.shape, l * (e * n), fun i => flatMats (Spec.Mamba.states (h0.mat e n (i * (e * n))) (steps i))⟩
  | s => throw s!"mamba.states: 'decay' has shape {Request.showShape s}"

/-- `mamba.readout`. -/
def readout : Point := fun α _ _ r => do
  let h ← r.tensor "h"
  match h.shape with
  | [b, l, e, n] =>
    let c ← r.shaped "c" [b, l, n]
    let u ← r.shaped "u" [b, l, e]
    let d ← r.shaped "d" [e]
    return ⟨[b, l, e], e, fun i =>
      flatVec (Spec.Mamba.readout (h.mat e n (i * (e * n))) (c.vec n (i * n)) (u.vec e (i * e)) (d.vec e) : Vector α e)⟩
  | s => throw s!"mamba.readout: 'h' has shape {Request.showShape s}"

/-- `mamba.gate`. -/
def gate : Point := fun α _ _ r => do
  let y ← r.tensor "y"
  let z ← r.shaped "z" y.shape
  let (_, n) := lastAxis y.shape
  return ⟨y.shape, n, fun i => flatVec (Spec.Mamba.gate (y.vec n (i * n)) (z.vec n (i * n)) : Vector α n)⟩

/-- The weights of a mixer, from its recorded parameters. -/
def params (r : Request) (D E N R K : Nat) : Except String (Spec.Mamba.Params D E N R K α) := do
  let inProj ← r.shaped "in_proj" [E + E, D]
  let xProj ← r.shaped "x_proj" [R + (N + N), E]
  let convW ← r.shaped "conv_weight" [E, K]
  let convB ← r.shaped "conv_bias" [E]
  let dtW ← r.shaped "dt_weight" [E, R]
  let dtB ← r.shaped "dt_bias" [E]
  let aLog ← r.shaped "a_log" [E, N]
  let d ← r.shaped "d" [E]
  let outProj ← r.shaped "out_proj" [D, E]
  return {
    inX := inProj.mat E D, inZ := inProj.mat E D (E * D), convW := convW.mat E K, convB := convB.vec E
    projDt := xProj.mat R E, projB := xProj.mat N E (R * E), projC := xProj.mat N E ((R + N) * E)
    dtW := dtW.mat E R, dtB := dtB.vec E, aLog := aLog.mat E N, d := d.vec E, outProj := outProj.mat D E }

/-- The sizes `D`, `E`, `N`, `R`, `K` of a mixer, from its recorded parameters. -/
def sizes (r : Request) : Except String (Nat × Nat × Nat × Nat × Nat) := do
  match (← r.tensor "out_proj").shape, (← r.tensor "a_log").shape, (← r.tensor "dt_weight").shape,
    (← r.tensor "conv_weight").shape with
  | [d, e], [_, n], [_, rank], [_, k] => return (d, e, n, rank, k)
  | _, _, _, _ => throw s!"{r.point}: a parameter has the wrong number of axes"

/-- The steps of the chunks that an implementation says to run side by side. -/
def chunks : List (String × Nat) → List Nat
  | [] => []
  | (name, length) :: rest => if name == "chunk" then length :: chunks rest else chunks rest

/-- Whether an implementation says that its scan is one kernel. -/
def fused (r : Request) : Bool := (Request.lookup "fused" r.ints).isSome

/-- `mamba.mixer`. -/
def mixer : Point := fun _ _ _ r => do
  let x ← r.tensor "x"
  let (D, E, N, R, K) ← sizes r
  let p ← params r D E N R K
  match x.shape with
  | [_, l, d] =>
    let outputs := if fused r then Spec.Mamba.fusedMixer (chunks r.ints) p else Spec.Mamba.mixer p
    if d = D then return ⟨x.shape, l * D, fun i => flatRows (outputs (x.rows l D (i * (l * D))))⟩
    else throw s!"mamba.mixer: 'x' has width {d}, the weights have {D}"
  | s => throw s!"mamba.mixer: 'x' has shape {Request.showShape s}"

/-- A streaming step of sequence `i`, and the number of sequences. -/
def stepOf (r : Request) (D E N R K : Nat) :
    Except String (Nat × (Nat → Spec.Mamba.State E N K α × Vector α D)) := do
  let p ← params r D E N R K
  let x ← r.tensor "x"
  let b := (lastAxis x.shape).1
  let x ← r.shaped "x" [b, D]
  let h ← r.shaped "h" [b, E, N]
  let window ← r.shaped "conv_state" [b, E, K - 1]
  let state (i : Nat) : Spec.Mamba.State E N K α :=
    ⟨build (K - 1) fun k => build E fun e => window.entry ((i * E + e.val) * (K - 1) + k.val), h.mat E N (i * (E * N))⟩
  let step := if fused r then Spec.Mamba.fusedStep p else Spec.Mamba.step p
  return (b, fun i => step (state i) (x.vec D (i * D)))

/-- `mamba.step.y`: the output of a streaming step. -/
def stepY : Point := fun _ _ _ r => do
  let (D, E, N, R, K) ← sizes r
  let (b, step) ← stepOf r D E N R K
  return ⟨[b, D], D, fun i => flatVec (step i).2⟩

/-- `mamba.step.h`: the state after a streaming step. -/
def stepH : Point := fun _ _ _ r => do
  let (D, E, N, R, K) ← sizes r
  let (b, step) ← stepOf r D E N R K
  return ⟨[b, E, N], E * N, fun i => flatMat (step i).1.h⟩

/-- `mamba.step.conv_state`: the window after a streaming step, channel by channel. -/
def stepWindow : Point := fun α _ _ r => do
  let (D, E, N, R, K) ← sizes r
  let (b, step) ← stepOf r D E N R K
  return ⟨[b, E, K - 1], E * (K - 1), fun i =>
    let w := (step i).1.window
    flatMat (build E fun e => build (K - 1) fun k => w[k][e])⟩

/-- `mamba.selective_scan`: the outputs of the fused kernel; `b` and `c` have an axis of groups. -/
def selectiveScan : Point := fun α _ _ r => do
  let u ← r.tensor "u"
  let b ← r.tensor "b"
  match u.shape, b.shape with
  | [bs, l, e], [_, _, g, n] =>
    let dt ← r.shaped "dt" u.shape
    let z ← r.shaped "z" u.shape
    let b ← r.shaped "b" [bs, l, g, n]
    let c ← r.shaped "c" [bs, l, g, n]
    let a ← r.shaped "a" [e, n]
    let d ← r.shaped "d" [e]
    let bias ← r.shaped "bias" [e]
    let h0 ← r.shaped "h0" [bs, e, n]
    let step (t : Nat) : Spec.Mamba.ScanInput e n α :=
      let group (i : Nat) := (t * g + i / (e / g)) * n
      ⟨u.vec e (t * e), dt.vec e (t * e), z.vec e (t * e), build e fun i => b.vec n (group i.val),
        build e fun i => c.vec n (group i.val)⟩
    return ⟨u.shape, l * e, fun i => flatRows (Spec.Mamba.chunkedScan (chunks r.ints) (a.mat e n 0) (d.vec e 0) (bias.vec e 0)
      (h0.mat e n (i * (e * n))) (entries l fun t => step (i * l + t.val)))⟩
  | s, t => throw s!"mamba.selective_scan: 'u' has shape {Request.showShape s} and 'b' {Request.showShape t}"

/-- The spec points of Mamba. -/
def points : List (String × Point) :=
  [("mamba.norm", norm), ("mamba.in_proj", linearLayer), ("mamba.conv", conv), ("mamba.silu", perEntry Scalar.silu),
   ("mamba.x_proj", linearLayer), ("mamba.dt", dt), ("mamba.decay", decay), ("mamba.input", input),
   ("mamba.states", states), ("mamba.readout", readout), ("mamba.gate", gate), ("mamba.out_proj", linearLayer),
   ("mamba.head", linearLayer), ("mamba.mixer", mixer), ("mamba.step.y", stepY), ("mamba.step.h", stepH),
   ("mamba.step.conv_state", stepWindow), ("mamba.selective_scan", selectiveScan)]

/-- `mamba.parameters`, from the sizes vocabulary, width, layers, inner width, state, rank and taps. -/
def parameters : Fact := fun j => do
  match ← Request.nats (← Request.field j "sizes") with
  | [vocab, D, layers, E, N, R, K] => return [Spec.Mamba.paramCount vocab layers D E N R K]
  | _ => throw "mamba.parameters needs seven sizes"

/-- The structural facts of Mamba. -/
def facts : List (String × Fact) := [("mamba.parameters", parameters)]

end Spec.Check.Mamba
