module
public import Spec.Law.Each
public import Spec.Law.Tangent

/-!
# A backward pass adds up its paths

A backward pass multiplies by local derivatives and adds where paths meet, rounding as it goes, in whatever order. Its result is the sum
of its paths, each rounded where the pass rounds: so it is enough to know how often.
-/

@[expose] public noncomputable section
namespace Spec
open Rounding (Bounded Rounded total size)
variable {u t : Rat}

/-- A path of a backward pass so far. -/
structure Leg where
  /-- The roundings that it met. -/
  rounds : Nat
  /-- The product of its local derivatives as they were computed. -/
  product : Rat
  /-- The product of those above 1 in size. -/
  wide : Rat

/-- A backward pass, from the seed to a value `v`, and its paths: it multiplies by a local derivative `w`, adds what came along two
ways, and rounds, in any order. -/
inductive Pass (u t : Rat) : (legs : List Leg) → (v : Rat) → Prop
  | seed : Pass u t [⟨0, 1, 1⟩] 1
  | times {legs : List Leg} {v : Rat} (w : Rat) (h : Pass u t legs v) :
      Pass u t (legs.map fun l => ⟨l.rounds, w * l.product, Max.max 1 (size w) * l.wide⟩) (w * v)
  | add {ls ks : List Leg} {v z : Rat} (h : Pass u t ls v) (h' : Pass u t ks z) : Pass u t (ls ++ ks) (v + z)
  | round {legs : List Leg} {v z : Rat} (h : Pass u t legs v) (hz : Rounded u t v z) :
      Pass u t (legs.map fun l => ⟨l.rounds + 1, l.product, l.wide⟩) z

/-- The values are those of the paths, each rounded as often as it says. -/
def Runs (u t : Rat) (legs : List Leg) (vs : List Rat) : Prop :=
  Each (fun l z => Chain u t l.rounds l.product l.wide z) legs vs

theorem Pass.ne_nil {legs : List Leg} {v : Rat} (h : Pass u t legs v) : legs ≠ [] := by
  induction h with
  | seed => simp
  | times _ _ ih => simpa using ih
  | add _ _ ih => simp [ih]
  | round _ _ ih => simpa using ih

/-- A backward pass gives the sum of its paths, each multiplied and rounded on its own: rounding a sum rounds each of its terms. -/
theorem Pass.sum (ht : 0 ≤ t) {legs : List Leg} {v : Rat} (h : Pass u t legs v) :
    ∃ vs, Runs u t legs vs ∧ v = total (fun z => z) vs := by
  induction h with
  | seed => exact ⟨[1], .cons .one .nil, by simp only [total]; grind⟩
  | times w _ ih =>
    obtain ⟨vs, hvs, rfl⟩ := ih
    refine ⟨vs.map fun z => w * z, hvs.map fun _ _ h => h.times w, ?_⟩
    rw [Rounding.total_map, Slope.total_scale]
  | add _ _ ih ih' =>
    obtain ⟨vs, hvs, rfl⟩ := ih
    obtain ⟨zs, hzs, rfl⟩ := ih'
    exact ⟨vs ++ zs, hvs.append hzs, (Rounding.total_append _ _ _).symm⟩
  | @round legs v z h hz ih =>
    obtain ⟨vs, hvs, rfl⟩ := ih
    obtain ⟨e, d, he, hd, rfl⟩ := hz
    have ne := h.ne_nil
    clear h
    cases hvs with
    | nil => exact absurd rfl ne
    | @cons l z ls zs hl hs =>
      refine ⟨(z + z * e + d) :: zs.map fun z => z + z * e, .cons (.round hl ⟨e, d, he, hd, rfl⟩) ?_, ?_⟩
      · exact hs.map fun _ z h => .round h ⟨e, 0, he, ⟨by grind, by grind⟩, by grind⟩
      · have h : total (fun z => z) (zs.map fun z => z + z * e) = (1 + e) * total (fun z => z) zs := by
          rw [Rounding.total_map, ← Slope.total_scale]
          refine congrArg (fun f => total f zs) (funext fun z => ?_)
          show z + z * e = (1 + e) * z
          grind
        show z + total (fun z => z) zs + (z + total (fun z => z) zs) * e + d =
          z + z * e + d + total (fun z => z) (zs.map fun z => z + z * e)
        rw [h]
        grind

end Spec
