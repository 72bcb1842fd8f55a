module
public import Spec.Layer.Scan
public import Spec.Layer.CausalConv
public import Spec.Layer.RmsNorm

/-!
# Mamba

The selective state space model of Gu and Dao, arXiv 2312.00752, with the products in the order of the
authors' code. Sizes: `D` width, `E` inner width, `N` state, `R` rank of the step sizes, `K` taps of the
convolution.
-/

@[expose] public noncomputable section
namespace Spec.Mamba
open Scalar
variable {α : Type} [Scalar α] {D E N R K : Nat}

/-- The step size of one channel, `softplus(W x + b)`. -/
def dtAt (w : Vector α R) (bias : α) (x : Vector α R) : α := softplus (linearBiasAt w bias x)

/-- Step sizes `Δ = softplus(W x + b)` (Algorithm 2, line 5). -/
def dt (w : Mat E R α) (bias : Vector α E) (x : Vector α R) : Vector α E :=
  build E fun e => dtAt w[e] bias[e] x

/-- One entry of the discretized transition, `exp(Δ A)`. -/
def decayAt (dt a : α) : α := exp (dt * a)

/-- The discretized transition `exp(Δ A)` (equation 4). -/
def decay (dt : Vector α E) (a : Mat E N α) : Mat E N α :=
  build E fun e => build N fun n => decayAt dt[e] a[e][n]

/-- The discretized input `(Δ B) u`, Euler's form of equation 4 as the authors' code has it. -/
def input (dt : Vector α E) (b : Vector α N) (u : Vector α E) : Mat E N α :=
  build E fun e => build N fun n => dt[e] * b[n] * u[e]

/-- One step of the recurrence, `h ↦ decay h + input` entrywise (equation 2a). -/
def stateStep (h decay input : Mat E N α) : Mat E N α :=
  build E fun e => build N fun n => step decay[e][n] h[e][n] input[e][n]

/-- All states after `h0`, given the decay and the input of every step. -/
def states (h0 : Mat E N α) (steps : List (Mat E N α × Mat E N α)) : List (Mat E N α) :=
  scanWith (fun h s => stateStep h s.1 s.2) h0 steps

/-- `y[e] = Σₙ c[n] h[e][n] + d[e] u[e]` (equation 2b and the skip connection), added in any order. -/
def readout (h : Mat E N α) (c : Vector α N) (u d : Vector α E) : Vector α E :=
  build E fun e => dot ((d[e], u[e]) :: entries N fun n => (c[n], h[e][n]))

/-- `y · silu(z)`. -/
def gate (y z : Vector α E) : Vector α E :=
  build E fun e => y[e] * silu z[e]

/-- The weights of one mixer. -/
structure Params (D E N R K : Nat) (α : Type) where
  /-- Input projection of the branch through the state space. -/
  inX : Mat E D α
  /-- Input projection of the gate. -/
  inZ : Mat E D α
  /-- Taps of the convolution; the last one multiplies the current step. -/
  convW : Mat E K α
  /-- Bias of the convolution. -/
  convB : Vector α E
  /-- Projection to the low-rank step sizes. -/
  projDt : Mat R E α
  /-- Projection to the input matrix `B`. -/
  projB : Mat N E α
  /-- Projection to the output matrix `C`. -/
  projC : Mat N E α
  /-- Projection from the rank `R` to the step sizes. -/
  dtW : Mat E R α
  /-- Bias of the step sizes. -/
  dtB : Vector α E
  /-- `log(-A)`. -/
  aLog : Mat E N α
  /-- The skip connection `D`. -/
  d : Vector α E
  /-- Output projection. -/
  outProj : Mat D E α

/-- The number of parameters of a mixer: a term for each field of `Params`, in the same order. -/
def Params.count (D E N R K : Nat) : Nat :=
  E * D + E * D + E * K + E + R * E + N * E + N * E + E * R + E + E * N + E + D * E

/-- The number of parameters of a language model of `layers` mixers: an embedding of `vocab` symbols that is also the
head, a norm before each mixer, and a last norm. -/
def paramCount (vocab layers D E N R K : Nat) : Nat :=
  vocab * D + layers * (D + Params.count D E N R K) + D

/-- `A = -exp(aLog)`. -/
def transition (aLog : Mat E N α) : Mat E N α :=
  build E fun e => build N fun n => -exp aLog[e][n]

/-- The selection mechanism: the decay and the input of one step, from the transition `a` and that step's
activation `u`. -/
def select (p : Params D E N R K α) (a : Mat E N α) (u : Vector α E) : Mat E N α × Mat E N α :=
  let dt := dt p.dtW p.dtB (linear p.projDt u)
  (decay dt a, input dt (linear p.projB u) u)

/-- The output of one step, from its input `x`, its activation `u` and its state `h`. -/
def output (p : Params D E N R K α) (x : Vector α D) (u : Vector α E) (h : Mat E N α) : Vector α D :=
  linear p.outProj (gate (readout h (linear p.projC u) u p.d) (linear p.inZ x))

/-- The activations `u = silu(conv(x))` of a sequence. -/
def activations (p : Params D E N R K α) (xs : List (Vector α D)) : List (Vector α E) :=
  (causalConv p.convW p.convB (xs.map (linear p.inX))).map (mapVec fun v => silu v)

/-- `output` at every step. -/
def outputs (p : Params D E N R K α) :
    List (Vector α D) → List (Vector α E) → List (Mat E N α) → List (Vector α D)
  | x :: xs, u :: us, h :: hs => output p x u h :: outputs p xs us hs
  | _, _, _ => []

/-- `outputs` as it is evaluated. -/
def outputsFast (p : Params D E N R K α) (xs : List (Vector α D)) (us : List (Vector α E)) (hs : List (Mat E N α)) :
    List (Vector α D) :=
  List.zipWith (fun r h => output p r.1 r.2 h) (List.zipWith Prod.mk xs us) hs

@[csimp] theorem outputs_eq : @outputs = @outputsFast := by
  funext α _ D E N R K p xs us hs
  induction xs generalizing us hs with
  | nil => cases us <;> simp [outputs, outputsFast]
  | cons x xs ih => cases us <;> cases hs <;> simp_all [outputs, outputsFast]

/-- The mixer on a whole sequence, from the zero state (Algorithm 2 inside the block of figure 3). -/
def mixer (p : Params D E N R K α) (xs : List (Vector α D)) : List (Vector α D) :=
  let us := activations p xs
  outputs p xs us (states (build E fun _ => zeros N) (us.map (select p (transition p.aLog))))

/-- What a mixer that reads one input at a time remembers. -/
structure State (E N K : Nat) (α : Type) where
  /-- The last `K - 1` inputs of the convolution, oldest first. -/
  window : Mat (K - 1) E α
  /-- The state of the recurrence. -/
  h : Mat E N α

/-- The memory before the first input. -/
def State.zero : State E N K α := ⟨build (K - 1) fun _ => zeros E, build E fun _ => zeros N⟩

/-- One input at a time: the new memory and the output. -/
def step (p : Params D E N R K α) (s : State E N K α) (x : Vector α D) : State E N K α × Vector α D :=
  let c := convStep p.convW p.convB s.window (linear p.inX x)
  let u := mapVec (fun v => silu v) c.2
  let ab := select p (transition p.aLog) u
  let h := stateStep s.h ab.1 ab.2
  (⟨c.1, h⟩, output p x u h)

/-- The outputs of `step` along a sequence. -/
def run (p : Params D E N R K α) : State E N K α → List (Vector α D) → List (Vector α D)
  | _, [] => []
  | s, x :: xs => let r := step p s x; r.2 :: run p r.1 xs

end Spec.Mamba
