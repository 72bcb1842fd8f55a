module
public import Spec.Check.Verdict
public import Spec.Layer.Causal
public import Spec.Layer.Conv2d

/-!
# Branches on places

Where a specification branches on the place of an entry and on sizes, not on numbers: padding, masks, the first step of
a recurrence, the parts of a chunk. Each list says of one entry of an output which of its branches it is on.
-/

@[expose] public noncomputable section
namespace Spec.Places

/-- The branches of an entry by name, from its call, the size of a block of the prediction, and its flat index. -/
abbrev Branches := Request → (size index : Nat) → List (String × Bool)

/-- Two branches of which an entry is on one: the first if `b`. -/
def one (b : Bool) (yes no : String) : List (String × Bool) := [(yes, b), (no, !b)]

/-- The branches of both lists. -/
def both (a b : List (String × Bool)) : List (String × Bool) := a.foldl (init := b) fun acc x => x :: acc

/-- The shape of an input, or no axes if there is none. -/
def shapeOf (r : Request) (name : String) : List Nat :=
  match r.find name with
  | some t => t.shape
  | none => []

/-- The loop of `nonzero`. -/
def nonzeroLoop (t : Tensor) (i : Nat) : Nat → Bool
  | 0 => false
  | fuel + 1 => if t.number? i == some Dyadic.zero then nonzeroLoop t (i + 1) fuel else true

/-- Whether part `k` of `parts` of an input, split along its first axis, is anywhere other than 0. -/
def nonzero (r : Request) (name : String) (parts k : Nat) : Bool :=
  match r.find name with
  | some t => nonzeroLoop t (k * (t.bits.size / parts)) (t.bits.size / parts)
  | none => false

/-- States that a call begins with: other than 0 for the sequence of the entry. -/
def initial (names : List String) : Branches := fun r size index =>
  names.map fun name => (name ++ " other than 0", nonzero r name ((shapeOf r name).headD 1) (index / size))

/-- Which step of a sequence of `l` an entry belongs to. -/
def stepAt (l size index : Nat) : Nat := index % size / (size / l)

/-- A recurrence over the second axis of an input, from initial states. -/
def recurrence (input : String) (names : List String) : Branches := fun r size index =>
  match shapeOf r input with
  | _ :: l :: _ => both (initial names r size index) (one (stepAt l size index == 0) "the first step" "a later step")
  | _ => []

/-- A convolution of images: whether the kernel hangs over the edge, onto the padding. -/
def conv : Branches := fun r _ n =>
  match shapeOf r "x", shapeOf r "weight", r.int "stride", r.int "padding" with
  | [_, _, h, w], [_, _, p, q], .ok stride, .ok padding =>
    let taps (size kernel i : Nat) := (axisTaps size kernel (i * stride) padding).foldl (init := 0) fun k _ => k + 1
    let cols := outSize w q stride padding
    one (taps h p (n / cols % outSize h p stride padding) == p && taps w q (n % cols) == q)
      "the kernel inside the image" "the kernel over the padding"
  | _, _, _, _ => []

/-- A residual block: which shortcut it has. -/
def shortcut : Branches := fun r _ _ => one (r.has "conv3") "a projection as shortcut" "the identity as shortcut"

/-- A causal convolution of sequences: whether all taps are on inputs. -/
def causalConv : Branches := fun r size index =>
  match shapeOf r "x", shapeOf r "weight" with
  | [_, l, _], [_, k] => one (stepAt l size index < k - 1) "taps before the start" "all taps after the start"
  | _, _ => []

/-- Causal attention of token `t` among `T`, after `P` before them: whether a key is hidden from it. -/
def mask (P T t : Nat) : List (String × Bool) :=
  one (if h : t < T then seen P (⟨t, h⟩ : Fin T) < P + T else false) "a key hidden" "no key hidden"

/-- The weights of causal attention: whether the key of the entry is hidden. -/
def weights : Branches := fun r _ index =>
  match shapeOf r "scores" with
  | [_, _, t, s] =>
    let row := index / s % t
    one (if h : row < t then index % s < seen (s - t) (⟨row, h⟩ : Fin t) else true) "a key that is seen"
      "a key that is hidden"
  | _ => []

/-- Causal attention of queries. -/
def attend : Branches := fun r size index =>
  match shapeOf r "q", shapeOf r "k" with
  | [_, _, t, _], [_, _, s, _] => mask (s - t) t (stepAt t size index)
  | _, _ => []

/-- The output of a block of a GPT. -/
def block : Branches := fun r size index =>
  match shapeOf r "x", shapeOf r "k" with
  | [_, t, _], [_, _, p, _] => both (mask p t (stepAt t size index)) (one (0 < p) "tokens before" "no tokens before")
  | _, _ => []

/-- A whole GPT. -/
def texts : Branches := fun r size index =>
  match shapeOf r "tokens" with
  | [_, t] => mask 0 t (stepAt t size index)
  | _ => []

/-- Keys or values after those of earlier tokens. -/
def append : Branches := fun r size index =>
  match shapeOf r "past" with
  | [_, _, p, d] => one (index % size < p * d) "an entry from before" "an entry from now"
  | _ => []

/-- A recurrence in chunks, of steps along the second axis of `x`. -/
def chunks : Branches := fun r size index =>
  match shapeOf r "x", r.int "chunk" with
  | _ :: l :: _, .ok q =>
    let k := stepAt l size index / q
    both (one (k == 0) "the first chunk" "a later chunk") (one (k * q + q ≤ l) "a whole chunk" "a chunk cut short")
  | _, _ => []

/-- A spectral convolution: which modes count how often. -/
def modes : Branches := fun r _ _ =>
  match shapeOf r "x", shapeOf r "weight" with
  | [_, _, n], [_, _, m, _] =>
    [("a mode that counts twice", 1 < m && n != 2), ("the mode at half the points", 2 * (m - 1) == n && 0 < n)]
  | _, _ => []

/-- The branches on places, by spec point. -/
def points : List (String × Branches) :=
  [("resnet.conv", conv), ("resnet.block", shortcut),
   ("mamba.conv", causalConv), ("mamba.states", recurrence "decay" ["h0"]),
   ("mamba.selective_scan", recurrence "u" ["h0"]),
   ("mamba.step.y", initial ["h", "conv_state"]), ("mamba.step.h", initial ["h", "conv_state"]),
   ("mamba2.conv", causalConv), ("mamba2.ssd", chunks), ("mamba2.mixer", chunks),
   ("mamba2.ssd_step.y", initial ["h"]), ("mamba2.ssd_step.h", initial ["h"]),
   ("mamba2.step.y", initial ["h", "conv_state"]), ("mamba2.step.h", initial ["h", "conv_state"]),
   ("gpt.append", append), ("gpt.weights", weights), ("gpt.attend", attend), ("gpt.block.y", block),
   ("gpt.logits", texts), ("gpt.decode", texts), ("spectral.conv", modes),
   ("rnn.cell", initial ["h"]), ("rnn.layer", recurrence "x" ["h0"]),
   ("gru.gates", initial ["h"]), ("gru.cell", initial ["h"]), ("gru.layer", recurrence "x" ["h0"]),
   ("gru.original_cell", initial ["h"]), ("gru.original_layer", recurrence "x" ["h0"]),
   ("lstm.gates", initial ["h"]), ("lstm.cell.h", initial ["h", "c"]), ("lstm.cell.c", initial ["h", "c"]),
   ("lstm.layer", recurrence "x" ["h0", "c0"])]

/-- The branches of an entry; none if its spec point has no branches on places. -/
def at_ (r : Request) (size index : Nat) : List (String × Bool) :=
  match Request.lookup r.point points with
  | some branches => branches r size index
  | none => []

/-- Branches that either of two entries is on; both lists have the same names. -/
def union : List (String × Bool) → List (String × Bool) → List (String × Bool)
  | x :: xs, y :: ys => (x.1, x.2 || y.2) :: union xs ys
  | _, _ => []

/-- The branches that the given entries are on. -/
def reached (r : Request) (size : Nat) : List Nat → List (String × Bool)
  | [] => []
  | i :: rest => rest.foldl (init := at_ r size i) fun acc j => union acc (at_ r size j)

end Spec.Places
