module
public import Spec.Law.Execution
public import Spec.Law.Preserved

/-!
# Devices

A device is a scalar whose operations each meet the rounding model. What it computes, running the text of a specification, is an
execution of it: so whoever checks the operations one by one has checked every layer.
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind
open Rounding (Rounded State Decay)
open Reach (unit under Cast Adds)

variable {m : Rounding} {K : Type} [Field K] [LE K] {N : Numbers K} {δ : Type} [Scalar δ]

/-- Each operation of the device meets the rounding model; `value` is the number that one of its numbers stands for. It takes the
steps of a recurrence one after the other. -/
structure Device (m : Rounding) (N : Numbers K) (value : δ → Rat) : Prop where
  /-- Sums are rounded. -/
  add (x y : δ) : Rounded (unit m) (under m) (value x + value y) (value (x + y))
  /-- Differences are. -/
  sub (x y : δ) : Rounded (unit m) (under m) (value x - value y) (value (x - y))
  /-- Products are. -/
  mul (x y : δ) : Rounded (unit m) (under m) (value x * value y) (value (x * y))
  /-- Quotients are, except by 0. -/
  div (x y : δ) : value y ≠ 0 → Rounded (unit m) (under m) (value x / value y) (value (x / y))
  /-- A sign is exact. -/
  neg (x : δ) : value (-x) = -value x
  /-- The larger of two numbers is. -/
  max (x y : δ) : value (Max.max x y) = Max.max (value x) (value y)
  /-- Integers are, and other constants are rounded. -/
  const (n : Int) (d : Nat) :
    if d = 1 then value (Scalar.const n d) = n else Rounded (unit m) (under m) (n / d) (value (Scalar.const n d))
  /-- The terms of a sum are read and added in a tree of the order class. -/
  sum (xs : List δ) : ∃ ys, Each (fun x y => Cast m (value x) y) xs ys ∧
    Adds m (ys.map fun y => (y, 1)) (value (Scalar.sum xs))
  /-- So are the products of a sum of products. -/
  dot (ps : List (δ × δ)) : ∃ qs, Each (fun p q => Cast m (value p.1) q.1 ∧ Cast m (value p.2) q.2) ps qs ∧
    Adds m qs (value (Scalar.dot ps))
  /-- A step of a recurrence rounds its product, or not, and its sum. -/
  step (a h b : δ) : ∃ p, Rounded (unit m) (under m) (value a * value h) p ∧
    Rounded (unit m) (under m) (p + value b) (value (Scalar.step a h b))
  /-- The exponential function is off by so many units in the last place. -/
  exp (x : δ) : N.Misses ((2 * m.expUlp : Nat) * unit m) (under m + 0) (N.exp (N.ofRat (value x))) (value (Scalar.exp x))
  /-- So is the root, where it is defined. -/
  sqrt (x : δ) : 0 ≤ value x →
    N.Misses ((2 * m.sqrtUlp : Nat) * unit m) (under m) (N.sqrt (N.ofRat (value x))) (value (Scalar.sqrt x))
  /-- So is the logistic function. -/
  sigmoid (x : δ) : N.Misses ((2 * m.sigmoidUlp : Nat) * unit m) (under m + 0) (N.sigmoid (N.ofRat (value x)))
    (value (Scalar.sigmoid x))
  /-- So is the hyperbolic tangent. -/
  tanh (x : δ) : N.Misses ((2 * m.tanhUlp : Nat) * unit m) (under m + 0) (N.tanh (N.ofRat (value x))) (value (Scalar.tanh x))
  /-- So is softplus. -/
  softplus (x : δ) : N.Misses ((2 * m.softplusUlp : Nat) * unit m) (under m + 0) (N.softplus (N.ofRat (value x)))
    (value (Scalar.softplus x))
  /-- So is SiLU, and a little more where it is close to 0. -/
  silu (x : δ) : N.Misses ((2 * m.siluUlp : Nat) * unit m) (under m + 1024 * under m) (N.silu (N.ofRat (value x)))
    (value (Scalar.silu x))
  /-- GELU is off by units of its argument. -/
  gelu (x : δ) : N.Misses (2 * unit m) (under m + (2 * m.geluUlp : Nat) * unit m * Rounding.size (value x))
    (N.gelu (N.ofRat (value x))) (value (Scalar.gelu x))
  /-- It takes one of two readings. -/
  either (x y : δ) : value (Scalar.either x y) = value x ∨ value (Scalar.either x y) = value y

/-- The steps so far, one after the other, give `v`. -/
def Looped (m : Rounding) (v : Rat) (ss : List (AffineStep Rat)) : Prop :=
  ∃ tree : ScanTree Rat, tree.toList = ss ∧ tree.depth + 1 = ss.length ∧ State (unit m) (under m) tree v

/-- A device's number is one that the execution may compute. -/
def Computed (m : Rounding) (N : Numbers K) (value : δ → Rat) (x : δ) (e : Execution m N) : Prop :=
  ∃ ss, e.after (value x) ss ∧ Looped m (value x) ss

namespace Computed
variable {value : δ → Rat}

omit [Scalar δ] in
theorem computes {x : δ} {e : Execution m N} (h : Computed m N value x e) : e.Computes (value x) :=
  ⟨h.choose, h.choose_spec.1⟩

omit [Scalar δ] in
theorem of {x : δ} {p : Rat → Prop} (h : p (value x)) : Computed m N value x (Execution.of p) := by
  refine ⟨[⟨0, value x⟩], ⟨h, rfl⟩, ?_⟩
  exact ⟨.leaf ⟨0, value x⟩, rfl, rfl, .leaf⟩

theorem step (hd : Device m N value) (order : m.order = .sequential ∨ m.order = .any) {a h b : δ} {a' h' b' : Execution m N}
    (ha : Computed m N value a a') (hh : Computed m N value h h') (hb : Computed m N value b b') :
    Computed m N value (Scalar.step a h b) (Scalar.step a' h' b') := by
  obtain ⟨p, hp, hv⟩ := hd.step a h b
  show Computed m N value _ (Execution.step a' h' b')
  unfold Execution.step
  rcases order with order | order
  · rw [if_pos order]
    exact of ⟨_, _, _, p, ha.computes, hh.computes, hb.computes, hp, hv⟩
  · rw [if_neg (by rw [order]; decide)]
    obtain ⟨ss, hss, tree, rfl, hdepth, hstate⟩ := hh
    let next : ScanTree Rat := .node tree (.leaf ⟨value a, value b⟩)
    have list : next.toList = tree.toList ++ [AffineStep.mk (value a) (value b)] := rfl
    have depth : next.depth + 1 = (tree.toList ++ [AffineStep.mk (value a) (value b)]).length := by
      show Nat.max tree.depth 0 + 1 + 1 = _
      rw [List.length_append, ← hdepth]
      simp
    have state : State (unit m) (under m) next (value (Scalar.step a h b)) := .node hstate .leaf .leaf hp hv
    refine ⟨_, ⟨_, _, _, tree.toList, next, ha.computes, hss, hb.computes, rfl, list, ?_, state⟩, next, list, depth, state⟩
    rw [order]
    show next.depth ≤ _ - 1
    omega

end Computed

/-- What a device computes, running a specification's text, is an execution of it. -/
theorem computed_preserved {value : δ → Rat} (hd : Device m N value)
    (order : m.order = .sequential ∨ m.order = .any) : Preserved (Computed m N value) where
  add hx hy := .of ⟨_, _, hx.computes, hy.computes, hd.add _ _⟩
  sub hx hy := .of ⟨_, _, hx.computes, hy.computes, hd.sub _ _⟩
  mul hx hy := .of ⟨_, _, hx.computes, hy.computes, hd.mul _ _⟩
  div hx hy := .of ⟨_, _, hx.computes, hy.computes, hd.div _ _⟩
  neg hx := .of ⟨_, hx.computes, hd.neg _⟩
  max hx hy := .of ⟨_, _, hx.computes, hy.computes, hd.max _ _⟩
  const n d := .of (hd.const n d)
  sum {xs es} h := .of (by
    obtain ⟨ys, hys, hv⟩ := hd.sum xs
    refine ⟨ys, ?_, hv⟩
    clear hv
    induction h generalizing ys with
    | nil => cases hys; exact .nil
    | cons h _ ih =>
      cases hys with
      | cons hy hys => exact .cons ⟨_, h.computes, hy⟩ (ih _ hys))
  dot {ps es} h := .of (by
    obtain ⟨qs, hqs, hv⟩ := hd.dot ps
    refine ⟨qs, ?_, hv⟩
    clear hv
    induction h generalizing qs with
    | nil => cases hqs; exact .nil
    | cons h _ ih =>
      cases hqs with
      | cons hq hqs => exact .cons ⟨⟨_, h.1.computes, hq.1⟩, _, h.2.computes, hq.2⟩ (ih _ hqs))
  step := Computed.step hd order
  exp hx := .of ⟨_, hx.computes, hd.exp _⟩
  sqrt hx := .of ⟨_, hx.computes, hd.sqrt _⟩
  sigmoid hx := .of ⟨_, hx.computes, hd.sigmoid _⟩
  tanh hx := .of ⟨_, hx.computes, hd.tanh _⟩
  softplus hx := .of ⟨_, hx.computes, hd.softplus _⟩
  silu hx := .of ⟨_, hx.computes, hd.silu _⟩
  gelu hx := .of ⟨_, hx.computes, hd.gelu _⟩
  either {x y a b} hx hy := .of ((hd.either x y).elim (fun h => .inl (h ▸ hx.computes)) fun h => .inr (h ▸ hy.computes))

end Spec
