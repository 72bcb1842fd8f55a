module
public import Spec.Check.Mamba
public import Spec.Model.Mamba2

/-!
# Spec points of Mamba-2

Axes: `B` sequences, `L` steps, `D` width, `H` heads of `P` channels, `N` state, `K` taps, chunks of `Q` steps.
-/

@[expose] public noncomputable section
namespace Spec.Check.Mamba2
open Spec.Point
variable {α : Type} [Scalar α] [Recorded α]

/-- A shape with one more axis at the end. -/
def withAxis (n : Nat) : List Nat → List Nat
  | [] => [n]
  | k :: rest => k :: withAxis n rest

/-- The entries of a sequence of images. -/
def flatImages {c h w : Nat} (xs : List (Image c h w α)) : Array α :=
  xs.foldl (init := #[]) fun acc x => (entries c fun i => x[i]).foldl (init := acc) fun acc y => pushMat acc y

/-- `mamba2.dt`. -/
def dt : Point := fun _ _ _ r => do
  let x ← r.tensor "x"
  let (_, h) := lastAxis x.shape
  let b ← r.shaped "bias" [h]
  return ⟨x.shape, 1, fun i => #[Spec.Mamba2.dtAt (x.entry i) (b.entry (i % h))]⟩

/-- `mamba2.decays`: all decays within each chunk, from their logarithms. -/
def decays : Point := fun _ _ _ r => do
  let g ← r.tensor "g"
  let q := (lastAxis g.shape).2
  return ⟨withAxis q g.shape, q * q, fun i => flatMat (Spec.Mamba2.decays (g.vec q (i * q)))⟩

/-- What the heads of sequence `i` read at step `t`, from the recorded inputs of a state space. -/
def readingAt (dt a x b c : Tensor) (h p n t : Nat) : Spec.Mamba2.Reading h p n α :=
  .of (dt.vec h (t * h)) (a.vec h) (x.mat h p (t * (h * p))) (b.vec n (t * n)) (c.vec n (t * n))

/-- The inputs of a state space: its sizes `B`, `L`, `H`, `P`, `N`, and what its heads read at each step of all sequences. -/
def readings (r : Request) : Except String ((Nat × Nat × Nat × Nat × Nat) × Tensor × Tensor × Tensor × Tensor × Tensor) := do
  let x ← r.tensor "x"
  let b ← r.tensor "b"
  match x.shape, b.shape with
  | [bs, l, h, p], [_, _, n] =>
    return ((bs, l, h, p, n), ← r.shaped "dt" [bs, l, h], ← r.shaped "a" [h], x, ← r.shaped "b" [bs, l, n],
      ← r.shaped "c" [bs, l, n])
  | s, t => throw s!"{r.point}: 'x' has shape {Request.showShape s} and 'b' {Request.showShape t}"

/-- The size of the chunks. -/
def chunkSize (r : Request) : Except String { q : Nat // 0 < q } := do
  match ← r.int "chunk" with
  | 0 => throw s!"{r.point}: 'chunk' is 0, the specification needs at least 1"
  | q + 1 => return ⟨q + 1, Nat.succ_pos q⟩

/-- `mamba2.starts`: the states before each of `j` chunks, from the logarithms `g` of the decays, the inputs `v` times their step
sizes, and `b`. -/
def starts : Point := fun α _ _ r => do
  let v ← r.tensor "v"
  let b ← r.tensor "b"
  match v.shape, b.shape with
  | [bs, j, q, h, p], [_, _, _, n] =>
    let g ← r.shaped "g" [bs, j, h, q]
    let b ← r.shaped "b" [bs, j, q, n]
    let reading (t : Nat) : Spec.Mamba2.Reading h p n α :=
      let x := v.mat h p (t * (h * p))
      ⟨build h fun k => g.entry ((t / q * h + k.1) * q + t % q), x, x, b.vec n (t * n), b.vec n (t * n)⟩
    return ⟨[bs, j, h, p, n], j * (h * (p * n)), fun i => flatImages (Spec.Mamba2.starts q (j - 1)
      ((entries (j * q) fun t => reading (i * (j * q) + t.1)).foldl (fun acc s => acc.push s) #[]))⟩
  | s, t => throw s!"mamba2.starts: 'v' has shape {Request.showShape s} and 'b' {Request.showShape t}"

/-- `mamba2.ssd`: the outputs of a state space, in chunks. -/
def ssd : Point := fun α _ _ r => do
  let ((_, l, h, p, n), dt, a, x, b, c) ← readings r
  let d ← r.shaped "d" [h]
  let q ← chunkSize r
  return ⟨x.shape, l * (h * p), fun i => flatMats (Spec.Mamba2.chunked q.2 (d.vec h)
    (entries l fun t => (readingAt dt a x b c h p n (i * l + t.val) : Spec.Mamba2.Reading h p n α)))⟩

/-- One step of sequence `i` of a state space, and its sizes `B`, `H`, `P`, `N`: its state and its output. -/
def ssdStepOf (r : Request) :
    Except String ((Nat × Nat × Nat × Nat) × Tensor × Tensor × Tensor × Tensor × Tensor × Tensor × Tensor) := do
  let h ← r.tensor "h"
  match h.shape with
  | [bs, k, p, n] =>
    return ((bs, k, p, n), h, ← r.shaped "dt" [bs, k], ← r.shaped "a" [k], ← r.shaped "x" [bs, k, p],
      ← r.shaped "b" [bs, n], ← r.shaped "c" [bs, n], ← r.shaped "d" [k])
  | s => throw s!"{r.point}: 'h' has shape {Request.showShape s}"

/-- `mamba2.ssd_step.h`: the state after one step of the recurrence. -/
def ssdStepH : Point := fun α _ _ r => do
  let ((bs, k, p, n), h, dt, a, x, b, c, _) ← ssdStepOf r
  return ⟨[bs, k, p, n], k * (p * n), fun i =>
    flatImage (Spec.Mamba2.advance (h.image k p n (i * (k * (p * n)))) (readingAt dt a x b c k p n i) : Image k p n α)⟩

/-- `mamba2.ssd_step.y`: the output of one step of the recurrence. -/
def ssdStepY : Point := fun α _ _ r => do
  let ((bs, k, p, n), h, dt, a, x, b, c, d) ← ssdStepOf r
  return ⟨[bs, k, p], k * p, fun i =>
    let s : Spec.Mamba2.Reading k p n α := readingAt dt a x b c k p n i
    flatMat (Spec.Mamba2.readout (d.vec k) s (Spec.Mamba2.advance (h.image k p n (i * (k * (p * n)))) s))⟩

/-- `mamba2.gated_norm`. -/
def gatedNorm : Point := fun α _ _ r => do
  let y ← r.tensor "y"
  let z ← r.shaped "z" y.shape
  let (_, n) := lastAxis y.shape
  let w ← r.shaped "weight" [n]
  let eps ← r.shaped "eps" []
  return ⟨y.shape, n, fun i => flatVec (Spec.Mamba2.gatedNorm (w.vec n) (eps.entry 0) (y.vec n (i * n)) (z.vec n (i * n)) :
    Vector α n)⟩

/-- The weights of a mixer, from its recorded parameters. -/
def params (r : Request) (D H P N K : Nat) : Except String (Spec.Mamba2.Params D H P N K α) := do
  let C := Spec.Mamba2.channels H P N
  let inProj ← r.shaped "in_proj" [H * P + (C + H), D]
  let convW ← r.shaped "conv_weight" [C, K]
  let convB ← r.shaped "conv_bias" [C]
  let dtB ← r.shaped "dt_bias" [H]
  let aLog ← r.shaped "a_log" [H]
  let d ← r.shaped "d" [H]
  let normW ← r.shaped "norm_weight" [H * P]
  let outProj ← r.shaped "out_proj" [D, H * P]
  return {
    inZ := inProj.mat (H * P) D, inConv := inProj.mat C D (H * P * D), inDt := inProj.mat H D ((H * P + C) * D)
    convW := convW.mat C K, convB := convB.vec C, dtB := dtB.vec H, aLog := aLog.vec H, d := d.vec H
    normW := normW.vec (H * P), outProj := outProj.mat D (H * P) }

/-- The sizes `D`, `H`, `P`, `N`, `K` of a mixer, from its recorded parameters. -/
def sizes (r : Request) : Except String (Nat × Nat × Nat × Nat × Nat) := do
  match (← r.tensor "out_proj").shape, (← r.tensor "a_log").shape, (← r.tensor "conv_weight").shape with
  | [d, e], [h], [c, k] => return (d, h, e / h, (c - e) / 2, k)
  | _, _, _ => throw s!"{r.point}: a parameter has the wrong number of axes"

/-- `mamba2.mixer`. -/
def mixer : Point := fun _ _ _ r => do
  let x ← r.tensor "x"
  let (D, H, P, N, K) ← sizes r
  let p ← params r D H P N K
  let eps ← r.shaped "eps" []
  let q ← chunkSize r
  match x.shape with
  | [_, l, d] =>
    if d = D then return ⟨x.shape, l * D, fun i =>
      flatRows (Spec.Mamba2.mixer q.2 p (eps.entry 0) (x.rows l D (i * (l * D))))⟩
    else throw s!"mamba2.mixer: 'x' has width {d}, the weights have {D}"
  | s => throw s!"mamba2.mixer: 'x' has shape {Request.showShape s}"

/-- A streaming step of sequence `i`, and the number of sequences. -/
def stepOf (r : Request) (D H P N K : Nat) :
    Except String (Nat × (Nat → Spec.Mamba2.State H P N K α × Vector α D)) := do
  let p ← params r D H P N K
  let eps ← r.shaped "eps" []
  let x ← r.tensor "x"
  let b := (lastAxis x.shape).1
  let x ← r.shaped "x" [b, D]
  let h ← r.shaped "h" [b, H, P, N]
  let C := Spec.Mamba2.channels H P N
  let window ← r.shaped "conv_state" [b, C, K - 1]
  let state (i : Nat) : Spec.Mamba2.State H P N K α :=
    ⟨build (K - 1) fun k => build C fun e => window.entry ((i * C + e.val) * (K - 1) + k.val), h.image H P N (i * (H * (P * N)))⟩
  return (b, fun i => Spec.Mamba2.step p (eps.entry 0) (state i) (x.vec D (i * D)))

/-- `mamba2.step.y`: the output of a streaming step. -/
def stepY : Point := fun _ _ _ r => do
  let (D, H, P, N, K) ← sizes r
  let (b, step) ← stepOf r D H P N K
  return ⟨[b, D], D, fun i => flatVec (step i).2⟩

/-- `mamba2.step.h`: the state after a streaming step. -/
def stepH : Point := fun _ _ _ r => do
  let (D, H, P, N, K) ← sizes r
  let (b, step) ← stepOf r D H P N K
  return ⟨[b, H, P, N], H * (P * N), fun i => flatImage (step i).1.h⟩

/-- `mamba2.step.conv_state`: the window after a streaming step, channel by channel. -/
def stepWindow : Point := fun α _ _ r => do
  let (D, H, P, N, K) ← sizes r
  let (b, step) ← stepOf r D H P N K
  let C := Spec.Mamba2.channels H P N
  return ⟨[b, C, K - 1], C * (K - 1), fun i =>
    let w := (step i).1.window
    flatMat (build C fun e => build (K - 1) fun k => w[k][e])⟩

/-- The spec points of Mamba-2. -/
def points : List (String × Point) :=
  [("mamba2.norm", Mamba.norm), ("mamba2.in_proj", linearLayer), ("mamba2.conv", Mamba.conv), ("mamba2.silu", perEntry Scalar.silu),
   ("mamba2.dt", dt), ("mamba2.decays", decays), ("mamba2.starts", starts), ("mamba2.ssd", ssd),
   ("mamba2.ssd_step.y", ssdStepY), ("mamba2.ssd_step.h", ssdStepH), ("mamba2.gated_norm", gatedNorm),
   ("mamba2.out_proj", linearLayer), ("mamba2.mixer", mixer), ("mamba2.step.y", stepY), ("mamba2.step.h", stepH),
   ("mamba2.step.conv_state", stepWindow), ("mamba2.head", linearLayer)]

/-- `mamba2.parameters`, from the sizes vocabulary, width, layers, heads, head width, state and taps. -/
def parameters : Fact := fun j => do
  match ← Request.nats (← Request.field j "sizes") with
  | [vocab, D, layers, H, P, N, K] => return [Spec.Mamba2.paramCount vocab layers D H P N K]
  | _ => throw "mamba2.parameters needs seven sizes"

/-- The structural facts of Mamba-2. -/
def facts : List (String × Fact) := [("mamba2.parameters", parameters)]

end Spec.Check.Mamba2
