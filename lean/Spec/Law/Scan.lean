module
public import Spec.Layer.Scan
public import Init.Grind.Ordered.Field

/-!
# Laws of scans

What a sequential loop, a chunked kernel and a parallel scan may rely on to compute the same states. The
first section holds for every state and every arithmetic, floating point included; the others hold in exact
arithmetic.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind

section AnyArithmetic
variable {σ ι : Type} (f : σ → ι → σ)

/-- A scan gives one state for each step. -/
@[simp] theorem length_scanWith (h : σ) (xs : List ι) : (scanWith f h xs).length = xs.length := by
  induction xs generalizing h with
  | nil => rfl
  | cons x xs ih => simp [scanWith, ih]

/-- A scan can stop after any step and go on later from the state that it reached, bit for bit. -/
theorem scanWith_append (h : σ) (xs ys : List ι) :
    scanWith f h (xs ++ ys) = scanWith f h xs ++ scanWith f (xs.foldl f h) ys := by
  induction xs generalizing h with
  | nil => rfl
  | cons x xs ih => simp [scanWith, ih]

/-- The first `t` states need the first `t` steps alone, bit for bit. -/
theorem take_scanWith (h : σ) (xs : List ι) (t : Nat) :
    (scanWith f h xs).take t = scanWith f h (xs.take t) := by
  induction xs generalizing h t with
  | nil => simp [scanWith]
  | cons x xs ih => cases t <;> simp [scanWith, ih]

/-- The state at index `t` is the last state of the first `t + 1` steps. -/
theorem getElem_scanWith (h : σ) (xs : List ι) (t : Nat) (ht : t < xs.length) :
    (scanWith f h xs)[t]'(by simpa using ht) = (xs.take (t + 1)).foldl f h := by
  induction xs generalizing h t with
  | nil => simp at ht
  | cons x xs ih =>
    cases t with
    | zero => simp [scanWith]
    | succ t => simpa [scanWith] using ih (f h x) t (by simpa using ht)

variable {α : Type} [Add α] [Mul α]

/-- A linear scan gives one state for each step. -/
theorem length_scan (h : α) (steps : List (AffineStep α)) : (scan h steps).length = steps.length :=
  length_scanWith _ h steps

/-- A linear scan can be cut anywhere: the second part starts at the last state of the first, bit for bit. -/
theorem scan_append (h : α) (xs ys : List (AffineStep α)) :
    scan h (xs ++ ys) = scan h xs ++ scan (scanFold h xs) ys :=
  scanWith_append _ h xs ys

/-- The state at index `t` is the last state of the first `t + 1` steps. -/
theorem getElem_scan (h : α) (steps : List (AffineStep α)) (t : Nat) (ht : t < steps.length) :
    (scan h steps)[t]'(by simpa [length_scan] using ht) = scanFold h (steps.take (t + 1)) :=
  getElem_scanWith _ h steps t ht

/-- A state depends on earlier steps alone: step lists that agree up to `t` have states that agree up to
`t`. -/
theorem scan_causal (h : α) (xs ys : List (AffineStep α)) (t : Nat) (agree : xs.take t = ys.take t) :
    (scan h xs).take t = (scan h ys).take t := by
  simp only [scan, take_scanWith, agree]

/-- The last state of a concatenation is that of its second part, started at the last state of its first. -/
theorem scanFold_append (h : α) (xs ys : List (AffineStep α)) :
    scanFold h (xs ++ ys) = scanFold (scanFold h xs) ys := by
  simp [scanFold]

/-- Chunk after chunk, each started at the last state of the chunk before, gives the sequential last state. -/
theorem scanFold_flatten (h : α) (chunks : List (List (AffineStep α))) :
    scanFold h chunks.flatten = chunks.foldl scanFold h := by
  induction chunks generalizing h with
  | nil => rfl
  | cons c cs ih => simp [scanFold_append, ih]

end AnyArithmetic

section Ring
variable {α : Type} [CommRing α]

namespace AffineStep

omit [CommRing α] in
@[ext] theorem ext {s t : AffineStep α} (ha : s.a = t.a) (hb : s.b = t.b) : s = t := by
  cases s; cases t; simp_all

/-- The composition of two steps is one step that does both. -/
theorem comp_apply (s t : AffineStep α) (h : α) : (s.comp t).apply h = s.apply (t.apply h) := by
  simp only [comp, apply]; grind

/-- Composition is associative, so a parallel scan may bracket it as it likes. -/
theorem comp_assoc (r s t : AffineStep α) : (r.comp s).comp t = r.comp (s.comp t) := by
  ext <;> simp only [comp] <;> grind

/-- The step that changes nothing, with which a kernel pads. -/
def id : AffineStep α := ⟨1, 0⟩

/-- Padding leaves every state as it is. -/
theorem id_apply (h : α) : (id : AffineStep α).apply h = h := by
  simp only [id, apply]; grind

/-- Padding before a step changes nothing. -/
theorem comp_id (s : AffineStep α) : s.comp id = s := by
  ext <;> simp only [comp, id] <;> grind

/-- Padding after a step changes nothing. -/
theorem id_comp (s : AffineStep α) : id.comp s = s := by
  ext <;> simp only [comp, id] <;> grind

/-- All steps of a list composed one after the other. -/
def compAll (steps : List (AffineStep α)) : AffineStep α :=
  steps.foldl (fun t s => s.comp t) id

theorem foldl_comp (t : AffineStep α) (steps : List (AffineStep α)) :
    steps.foldl (fun t s => s.comp t) t = (compAll steps).comp t := by
  unfold compAll
  induction steps generalizing t with
  | nil => simp [id_comp]
  | cons s ss ih =>
    simp only [List.foldl_cons]
    rw [ih (s.comp t), ih (s.comp id), comp_id, comp_assoc]

/-- Composing a concatenation is composing its parts. -/
theorem compAll_append (xs ys : List (AffineStep α)) :
    compAll (xs ++ ys) = (compAll ys).comp (compAll xs) := by
  conv => lhs; unfold compAll
  rw [List.foldl_append, foldl_comp]; rfl

/-- The composition of a list of steps, applied once, gives the last state of the sequential loop. -/
theorem compAll_apply (h : α) (steps : List (AffineStep α)) : (compAll steps).apply h = scanFold h steps := by
  induction steps generalizing h with
  | nil => exact id_apply h
  | cons s ss ih =>
    rw [← List.singleton_append, compAll_append, comp_apply, ih, scanFold_append]
    simp only [compAll, List.foldl_cons, List.foldl_nil, comp_id]
    rfl

end AffineStep

open AffineStep

/-- Composing every chunk on its own and then running over the chunks gives the sequential last state, for
every way to cut a sequence into chunks. -/
theorem scanFold_chunks (h : α) (chunks : List (List (AffineStep α))) :
    scanFold h (chunks.map compAll) = scanFold h chunks.flatten := by
  induction chunks generalizing h with
  | nil => rfl
  | cons c cs ih =>
    rw [List.flatten_cons, scanFold_append, ← ih, ← compAll_apply h c]
    rfl

namespace ScanTree

/-- A tree composes to the same step as the sequential loop, whatever its shape. -/
theorem compose_eq (t : ScanTree α) : t.compose = compAll t.toList := by
  induction t with
  | leaf s => simp [compose, toList, compAll, comp_id]
  | node l r ihl ihr => rw [compose, toList, compAll_append, ihl, ihr]

/-- Trees of one sequence of steps compose to the same step: the shape of a parallel reduction is free. -/
theorem compose_congr (s t : ScanTree α) (same : s.toList = t.toList) : s.compose = t.compose := by
  rw [compose_eq, compose_eq, same]

/-- The composition of any tree, applied once, gives the last state of the sequential loop. -/
theorem compose_apply (t : ScanTree α) (h : α) : t.compose.apply h = scanFold h t.toList := by
  rw [compose_eq, compAll_apply]

/-- A work-efficient parallel scan over any tree gives every state of the sequential loop. -/
theorem downSweep_eq (t : ScanTree α) (h : α) : t.downSweep h = scan h t.toList := by
  induction t generalizing h with
  | leaf s => rfl
  | node l r ihl ihr => rw [downSweep, toList, scan_append, ihl, ihr, compose_apply]

end ScanTree

/-- Each state of the sequential loop is any tree over the steps up to it, composed and applied to the
start. -/
theorem getElem_scan_tree (h : α) (steps : List (AffineStep α)) (t : Nat) (ht : t < steps.length)
    (tree : ScanTree α) (leaves : tree.toList = steps.take (t + 1)) :
    (scan h steps)[t]'(by simpa [length_scan] using ht) = tree.compose.apply h := by
  rw [getElem_scan h steps t ht, tree.compose_apply, leaves]

/-- The start and the inputs act separately: a chunk may run from 0 and add its decayed carry afterwards. -/
theorem scanFold_carry (h : α) (steps : List (AffineStep α)) :
    scanFold h steps = (compAll steps).a * h + scanFold 0 steps := by
  rw [← compAll_apply, ← compAll_apply]
  simp only [apply]; grind

/-- Inputs superpose: the states of a sum of inputs are the sums of the states. -/
theorem scan_add (h h' : α) (steps : List (α × α × α)) :
    scan (h + h') (steps.map fun s => ⟨s.1, s.2.1 + s.2.2⟩) =
      List.zipWith (· + ·) (scan h (steps.map fun s => ⟨s.1, s.2.1⟩))
        (scan h' (steps.map fun s => ⟨s.1, s.2.2⟩)) := by
  unfold scan
  induction steps generalizing h h' with
  | nil => rfl
  | cons s ss ih =>
    have e : s.1 * (h + h') + (s.2.1 + s.2.2) = (s.1 * h + s.2.1) + (s.1 * h' + s.2.2) := by grind
    simp only [List.map_cons, scanWith, apply, List.zipWith_cons_cons, e]
    exact congrArg _ (ih _ _)

/-- Inputs scale: the states of `c` times the inputs are `c` times the states. -/
theorem scan_scale (c h : α) (steps : List (AffineStep α)) :
    scan (c * h) (steps.map fun s => ⟨s.a, c * s.b⟩) = (scan h steps).map (c * ·) := by
  unfold scan
  induction steps generalizing h with
  | nil => rfl
  | cons s ss ih =>
    have e : s.a * (c * h) + c * s.b = c * (s.a * h + s.b) := by grind
    simp only [List.map_cons, scanWith, apply, e]
    exact congrArg _ (ih _)

end Ring

section Ordered
variable {α : Type} [Field α] [LE α] [LT α] [Std.LawfulOrderLT α] [Std.IsLinearOrder α] [OrderedRing α]

/-- `|x| ≤ r`. -/
def Within (x r : α) : Prop := -r ≤ x ∧ x ≤ r

theorem Within.mul {x y r s : α} (hx : Within x r) (hy : Within y s) : Within (x * y) (r * s) := by
  obtain ⟨hx1, hx2⟩ := hx
  obtain ⟨hy1, hy2⟩ := hy
  have a : 0 ≤ (r - x) * (s - y) := OrderedRing.mul_nonneg (by grind) (by grind)
  have b : 0 ≤ (r + x) * (s + y) := OrderedRing.mul_nonneg (by grind) (by grind)
  have c : 0 ≤ (r - x) * (s + y) := OrderedRing.mul_nonneg (by grind) (by grind)
  have d : 0 ≤ (r + x) * (s - y) := OrderedRing.mul_nonneg (by grind) (by grind)
  constructor <;> grind

theorem within_scanFold (h r β m ρ : α) (steps : List (AffineStep α)) (hm : β + ρ * m ≤ m)
    (ha : ∀ s ∈ steps, Within s.a ρ) (hb : ∀ s ∈ steps, Within s.b β) (hh : Within h (r + m)) :
    Within (scanFold h steps) (ρ ^ steps.length * r + m) := by
  induction steps generalizing h r with
  | nil => simpa [scanFold, Semiring.pow_zero, Semiring.one_mul] using hh
  | cons s ss ih =>
    have p := (ha s (by simp)).mul hh
    have q := hb s (by simp)
    have next : Within (s.apply h) (ρ * r + m) := by
      simp only [AffineStep.apply, Within] at *
      constructor <;> grind
    have := ih (s.apply h) (ρ * r) (fun s hs => ha s (by simp [hs])) (fun s hs => hb s (by simp [hs])) next
    have e : ρ ^ ss.length * (ρ * r) = ρ ^ (s :: ss).length * r := by
      rw [List.length_cons, Semiring.pow_succ]; grind
    rw [e] at this
    exact this

/-- States stay bounded for all time when every decay is at most `ρ < 1` in absolute value:
`|h_t| ≤ ρᵗ |h₀| + β / (1 - ρ)`, with `β` the largest input. -/
theorem scanFold_bounded (h r β ρ : α) (steps : List (AffineStep α)) (hρ : ρ < 1) (hβ : 0 ≤ β)
    (ha : ∀ s ∈ steps, Within s.a ρ) (hb : ∀ s ∈ steps, Within s.b β) (hh : Within h r) :
    Within (scanFold h steps) (ρ ^ steps.length * r + β / (1 - ρ)) := by
  have pos : 0 < 1 - ρ := by grind
  have inv : 0 < (1 - ρ)⁻¹ := Field.IsOrdered.inv_pos_iff.mpr pos
  have m0 : 0 ≤ β / (1 - ρ) := by
    rw [Field.div_eq_mul_inv]
    exact OrderedRing.mul_nonneg hβ (by grind)
  refine within_scanFold h r β _ ρ steps ?_ ha hb ?_
  · have : (1 - ρ) * (β / (1 - ρ)) = β := by
      have := Field.mul_inv_cancel (a := 1 - ρ) (by grind)
      rw [Field.div_eq_mul_inv]; grind
    grind
  · simp only [Within] at *
    constructor <;> grind

end Ordered
end Spec
