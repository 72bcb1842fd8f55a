module
public import Spec.Layer.Scan
public import Spec.Layer.Linear

/-!
# Recurrent layers

Elman's network, the LSTM (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000) and the GRU
(Cho et al., arXiv 1406.1078), with PyTorch's two biases. Sizes: `E` input width, `H` hidden width.
-/

@[expose] public noncomputable section
namespace Spec
open Scalar
variable {α : Type} [Scalar α] {E H : Nat}

/-- Run a cell over a sequence: what is read of the state after each input. -/
@[inline] def unroll {σ ι ο : Type} (step : σ → ι → σ) (read : σ → ο) (s : σ) (xs : List ι) : List ο :=
  (scanWith step s xs).map read

/-- The weights of `W x + b + U h + c`: of one gate, or of a whole cell that has none. -/
structure Gate (E H : Nat) (α : Type) where
  /-- What the input is multiplied by. -/
  w : Mat H E α
  /-- What the hidden state is multiplied by. -/
  u : Mat H H α
  /-- The bias beside the input. -/
  b : Vector α H
  /-- The bias beside the hidden state. -/
  c : Vector α H

/-- The entries of two vectors, one after the other. -/
def beside (x : Vector α E) (y : Vector α H) : Vector α (E + H) :=
  build (E + H) fun i => if h : i.val < E then x[i.val] else y[i.val - E]

/-- `w x + b` as a linear layer gives it, with `wx = w x`: the bias inside the sum, or added to it. -/
def linearReadings {n : Nat} (w : Vector α n) (b : α) (x : Vector α n) (wx : α) : α :=
  either (affine b w x) (wx + b)

namespace Gate

/-- One entry of `W x + b + U h + c`. It is one sum, or the sum of two linear layers' outputs, or the two products are
added to each other and to the biases. -/
def sumAt (p : Gate E H α) (x : Vector α E) (h : Vector α H) (j : Fin H) : α :=
  let wx := inner p.w[j] x
  let uh := inner p.u[j] h
  let row := beside p.w[j] p.u[j]
  let xh := beside x h
  let input := linearReadings p.w[j] p.b[j] x wx
  either (dot ((p.b[j], int 1) :: (p.c[j], int 1) :: entries (E + H) fun i => (row[i], xh[i])))
    (either (input + linearReadings p.u[j] p.c[j] h uh) (either (input + uh + p.c[j]) (sum [wx, uh, p.b[j], p.c[j]])))

end Gate

/-- Elman's cell, `h' = tanh(W x + b + U h + c)`. -/
def rnnCell (p : Gate E H α) (h : Vector α H) (x : Vector α E) : Vector α H :=
  build H fun j => tanh (p.sumAt x h j)

/-- The layer of Elman's cells, from the state `h`. -/
def rnn (p : Gate E H α) (h : Vector α H) (xs : List (Vector α E)) : List (Vector α H) :=
  unroll (rnnCell p) (fun h => h) h xs

/-- The weights of an LSTM, in PyTorch's order. -/
structure LSTM (E H : Nat) (α : Type) where
  /-- The input gate. -/
  i : Gate E H α
  /-- The forget gate. -/
  f : Gate E H α
  /-- The candidate for the cell. -/
  g : Gate E H α
  /-- The output gate. -/
  o : Gate E H α

/-- The state of an LSTM. -/
structure LSTMState (H : Nat) (α : Type) where
  /-- The hidden state, which is also the output. -/
  h : Vector α H
  /-- The cell. -/
  c : Vector α H

namespace LSTM
variable (p : LSTM E H α)

/-- The gates `σ(i)`, `σ(f)`, `tanh(g)`, `σ(o)` of one unit. -/
def gatesAt (x : Vector α E) (h : Vector α H) (j : Fin H) : α × α × α × α :=
  (sigmoid (p.i.sumAt x h j), sigmoid (p.f.sumAt x h j), tanh (p.g.sumAt x h j), sigmoid (p.o.sumAt x h j))

/-- One step: `c' = f c + i g` and `h' = o tanh(c')`. -/
def cell (s : LSTMState H α) (x : Vector α E) : LSTMState H α :=
  let gates := build H fun j => p.gatesAt x s.h j
  let c := build H fun j => gates[j].2.1 * s.c[j] + gates[j].1 * gates[j].2.2.1
  ⟨build H fun j => gates[j].2.2.2 * tanh c[j], c⟩

/-- The layer, from the state `s`: the hidden state after each input. -/
def layer (s : LSTMState H α) (xs : List (Vector α E)) : List (Vector α H) :=
  unroll p.cell (fun s => s.h) s xs

end LSTM

/-- The weights of a GRU, in PyTorch's order. -/
structure GRU (E H : Nat) (α : Type) where
  /-- The reset gate. -/
  r : Gate E H α
  /-- The update gate. -/
  z : Gate E H α
  /-- The candidate for the hidden state. -/
  n : Gate E H α

/-- Where the reset gate acts. -/
inductive Reset where
  /-- After the product with the hidden state, on `U h + c`: as in PyTorch and cuDNN. -/
  | after
  /-- Before it, on `h`: as in the paper (equation 8). -/
  | before
deriving DecidableEq

namespace GRU
variable (p : GRU E H α)

/-- The reset gates `σ(r)`. -/
def resets (x : Vector α E) (h : Vector α H) : Vector α H := build H fun j => sigmoid (p.r.sumAt x h j)

/-- `z` of one unit. -/
def updateAt (x : Vector α E) (h : Vector α H) (j : Fin H) : α := sigmoid (p.z.sumAt x h j)

/-- The candidate of one unit, from the reset gates `r`: `tanh(W x + b + r (U h + c))`, or
`tanh(W x + b + U (r h) + c)`. -/
def candidateAt (reset : Reset) (r : Vector α H) (x : Vector α E) (h : Vector α H) (j : Fin H) : α :=
  match reset with
  | .after =>
    let wx := inner p.n.w[j] x
    let v := r[j] * linearReadings p.n.u[j] p.n.c[j] h (inner p.n.u[j] h)
    tanh (either (linearReadings p.n.w[j] p.n.b[j] x wx + v) (sum [wx, p.n.b[j], v]))
  | .before => tanh (p.n.sumAt x (build H fun k => r[k] * h[k]) j)

/-- `(1 - z) n + z h`, which kernels also write `n + z (h - n)`. -/
def blend (z n h : α) : α := either ((int 1 - z) * n + z * h) (n + z * (h - n))

/-- One step, `h' = (1 - z) n + z h`. -/
def cell (reset : Reset) (h : Vector α H) (x : Vector α E) : Vector α H :=
  let r := p.resets x h
  build H fun j => blend (p.updateAt x h j) (p.candidateAt reset r x h j) h[j]

/-- The layer, from the state `h`. -/
def layer (reset : Reset) (h : Vector α H) (xs : List (Vector α E)) : List (Vector α H) :=
  unroll (p.cell reset) (fun h => h) h xs

end GRU
end Spec
