module
public import Spec.Model.SelectiveScan
public import Spec.Law.Preserved.Sequences

/-!
# The selective scan keeps what every operation keeps
-/

@[expose] public noncomputable section
namespace Spec
open Scalar
variable {α β : Type} [Scalar α] [Scalar β] {R : α → β → Prop}

namespace Mamba
variable {E N : Nat}

/-- What a selective scan reads at one step is related. -/
structure ScanInput.Alike (R : α → β → Prop) (x : ScanInput E N α) (x' : ScanInput E N β) : Prop where
  /-- The activations are. -/
  u : Spec.Alike R x.u x'.u
  /-- The step sizes are. -/
  dt : Spec.Alike R x.dt x'.dt
  /-- The gates are. -/
  z : Spec.Alike R x.z x'.z
  /-- The input matrices are. -/
  b : Spec.Alike (Spec.Alike R) x.b x'.b
  /-- The output matrices are. -/
  c : Spec.Alike (Spec.Alike R) x.c x'.c

end Mamba

namespace Preserved
variable (hR : Preserved R) {E N : Nat}
include hR

theorem mambaRescaled {x : α} {x' : β} (hx : R x x') : R (Mamba.rescaled x) (Mamba.rescaled x') :=
  hR.either hx (hR.mul (hR.mul hx (hR.const _ _)) (hR.const _ _))

theorem mambaScanSizes {bias : Vector α E} {bias' : Vector β E} {x : Mamba.ScanInput E N α} {x' : Mamba.ScanInput E N β}
    (hbias : Alike R bias bias') (hx : x.Alike R x') : Alike R (Mamba.scanSizes bias x) (Mamba.scanSizes bias' x') :=
  alike_build fun e => hR.softplus (hR.mambaRescaled (hR.add (hx.dt.at e) (hbias.at e)))

theorem mambaScanDecayAt {dt a : α} {dt' a' : β} (hdt : R dt dt') (ha : R a a') :
    R (Mamba.scanDecayAt dt a) (Mamba.scanDecayAt dt' a') :=
  hR.exp (hR.either (hR.mul hdt ha) (hR.mul (hR.mul hdt (hR.mul ha (hR.const _ _))) (hR.const _ _)))

theorem mambaScanStep {a : Mat E N α} {a' : Mat E N β} {dt : Vector α E} {dt' : Vector β E} {x : Mamba.ScanInput E N α}
    {x' : Mamba.ScanInput E N β} (ha : Alike (Alike R) a a') (hdt : Alike R dt dt') (hx : x.Alike R x') :
    Alike (Alike R) (Mamba.scanStep a dt x).1 (Mamba.scanStep a' dt' x').1 ∧
      Alike (Alike R) (Mamba.scanStep a dt x).2 (Mamba.scanStep a' dt' x').2 :=
  ⟨alike_build fun e => alike_build fun n => hR.mambaScanDecayAt (hdt.at e) ((ha.at e).at n),
    alike_build fun e => alike_build fun n => hR.either (hR.mul (hR.mul (hdt.at e) ((hx.b.at e).at n)) (hx.u.at e))
      (hR.mul (hR.mul (hdt.at e) (hx.u.at e)) ((hx.b.at e).at n))⟩

theorem mambaScanOutput {d : Vector α E} {d' : Vector β E} {x : Mamba.ScanInput E N α} {x' : Mamba.ScanInput E N β}
    {h : Mat E N α} {h' : Mat E N β} (hd : Alike R d d') (hx : x.Alike R x') (hh : Alike (Alike R) h h') :
    Alike R (Mamba.scanOutput d x h) (Mamba.scanOutput d' x' h') :=
  alike_build fun e =>
    have y := hR.dot (.cons ⟨hd.at e, hx.u.at e⟩ (.entries fun n => ⟨(hx.c.at e).at n, (hh.at e).at n⟩))
    hR.either (hR.mul y (hR.silu (hx.z.at e)))
      (hR.mul (hR.mul y (hx.z.at e)) (hR.sigmoid (hR.mambaRescaled (hx.z.at e))))

end Preserved

namespace Mamba

/-- Chunks of the same place whose numbers are related. -/
structure Chunk.Alike {E N : Nat} (R : α → β → Prop) (c : Chunk E N α) (c' : Chunk E N β) : Prop where
  /-- The lengths are equal. -/
  length : c.length = c'.length
  /-- The steps to come are. -/
  left : c.left = c'.left
  /-- The states before them are related. -/
  start : Spec.Alike (Spec.Alike R) c.start c'.start
  /-- Their own states are. -/
  own : Spec.Alike (Spec.Alike R) c.own c'.own
  /-- The step sizes are. -/
  sizes : Spec.Alike (Each R) c.sizes c'.sizes

end Mamba

namespace Preserved
variable (hR : Preserved R) {E N : Nat}
include hR

theorem mambaChunkBegin (length : Nat) {h : Mat E N α} {h' : Mat E N β} (hh : Alike (Alike R) h h') :
    (Mamba.Chunk.begin length h).Alike R (Mamba.Chunk.begin length h') :=
  ⟨rfl, rfl, hh, alike_build fun _ => alike_build fun _ => hR.zero, alike_build fun _ => .nil⟩

theorem mambaChunkNext {dt : Vector α E} {dt' : Vector β E} {m : Mat E N α × Mat E N α} {m' : Mat E N β × Mat E N β}
    {c : Mamba.Chunk E N α} {c' : Mamba.Chunk E N β} (hdt : Alike R dt dt')
    (hm : Alike (Alike R) m.1 m'.1 ∧ Alike (Alike R) m.2 m'.2) (hc : c.Alike R c') : (c.next dt m).Alike R (c'.next dt' m') :=
  ⟨hc.length, by simp only [Mamba.Chunk.next, hc.left], hc.start, hR.mambaStateStep hc.own hm.1 hm.2,
    alike_build fun e => .cons (hdt.at e) (hc.sizes.at e)⟩

theorem mambaChunkCarry {a h : Mat E N α} {a' h' : Mat E N β} {c : Mamba.Chunk E N α} {c' : Mamba.Chunk E N β}
    (ha : Alike (Alike R) a a') (hc : c.Alike R c') (hh : Alike (Alike R) h h') :
    Alike (Alike R) (c.carry a h) (c'.carry a' h') :=
  alike_build fun e => alike_build fun n => hR.either ((hh.at e).at n)
    (hR.step (hR.mambaScanDecayAt (hR.sum (hc.sizes.at e)) ((ha.at e).at n)) ((hc.start.at e).at n) ((hc.own.at e).at n))

theorem mambaHanded {a h : Mat E N α} {a' h' : Mat E N β} {chunks : List (Mamba.Chunk E N α)} {chunks' : List (Mamba.Chunk E N β)}
    (ha : Alike (Alike R) a a') (hh : Alike (Alike R) h h') (hc : Each (Mamba.Chunk.Alike R) chunks chunks') :
    Alike (Alike R) (Mamba.handed a h chunks) (Mamba.handed a' h' chunks') := by
  refine hc.foldl (S := fun h h' : Mat E N _ => Alike (Alike R) h h') (fun h h' c c' hh hc => ?_) hh
  rw [hc.left]
  split
  · exact hR.mambaChunkCarry ha hc hh
  · exact hh

/-- The outputs of a selective scan, in chunks of any lengths. -/
theorem mambaChunkedScan (lengths : List Nat) {a h : Mat E N α} {a' h' : Mat E N β} {d bias : Vector α E} {d' bias' : Vector β E}
    {xs : List (Mamba.ScanInput E N α)} {xs' : List (Mamba.ScanInput E N β)} (ha : Alike (Alike R) a a') (hd : Alike R d d')
    (hbias : Alike R bias bias') (hh : Alike (Alike R) h h') (hx : Each (Mamba.ScanInput.Alike R) xs xs') :
    Each (Alike R) (Mamba.chunkedScan lengths a d bias h xs) (Mamba.chunkedScan lengths a' d' bias' h' xs') := by
  refine Each.map (fun _ _ hs => hs.2.1) (hx.scanWith
    (S := fun (s : Mat E N α × Vector α E × List (Mamba.Chunk E N α)) (s' : Mat E N β × Vector β E × List (Mamba.Chunk E N β)) =>
      Alike (Alike R) s.1 s'.1 ∧ Alike R s.2.1 s'.2.1 ∧ Each (Mamba.Chunk.Alike R) s.2.2 s'.2.2)
    (fun s s' x x' hs hx => ?_) ⟨hh, hd, .same (fun n => hR.mambaChunkBegin n hh) _⟩)
  have dt := hR.mambaScanSizes hbias hx
  have m := hR.mambaScanStep ha dt hx
  have next := hR.mambaStateStep hs.1 m.1 m.2
  have chunks := hs.2.2.map (fun _ _ hc => hR.mambaChunkNext dt m hc)
  have after := hR.mambaHanded ha next chunks
  refine ⟨after, hR.mambaScanOutput hd hx next, chunks.map fun c c' hc => ?_⟩
  rw [hc.left, hc.length]
  split
  · exact hR.mambaChunkBegin _ after
  · exact hc

variable {D R' K : Nat} {p : Mamba.Params D E N R' K α} {p' : Mamba.Params D E N R' K β} (hp : p.Alike R p')
include hp

theorem mambaScanInput {x : Vector α D} {x' : Vector β D} {u : Vector α E} {u' : Vector β E} (hx : Alike R x x')
    (hu : Alike R u u') : (Mamba.scanInput p x u).Alike R (Mamba.scanInput p' x' u') :=
  ⟨hu, hR.linear hp.dtW (hR.linear hp.projDt hu), hR.linear hp.inZ hx, alike_build fun _ => hR.linear hp.projB hu,
    alike_build fun _ => hR.linear hp.projC hu⟩

/-- The mixer of a sequence, whose scan is one kernel. -/
theorem mambaFusedMixer (lengths : List Nat) {xs : List (Vector α D)} {xs' : List (Vector β D)} (hx : Each (Alike R) xs xs') :
    Each (Alike R) (Mamba.fusedMixer lengths p xs) (Mamba.fusedMixer lengths p' xs') :=
  (hR.mambaChunkedScan lengths (hR.mambaTransition hp) hp.d hp.dtB (alike_build fun _ => hR.zeros N)
    (hx.zipWith (f := Mamba.scanInput p) (g := Mamba.scanInput p') (fun _ _ _ _ hx hu => hR.mambaScanInput hp hx hu)
      (hR.mambaActivations hp hx))).map
    fun _ _ h => hR.linear hp.outProj h

/-- A step of the mixer that reads one input at a time, whose scan is one kernel. -/
theorem mambaFusedStep {s : Mamba.State E N K α} {s' : Mamba.State E N K β} {x : Vector α D} {x' : Vector β D}
    (hs : s.Alike R s') (hx : Alike R x x') :
    (Mamba.fusedStep p s x).1.Alike R (Mamba.fusedStep p' s' x').1 ∧
      Alike R (Mamba.fusedStep p s x).2 (Mamba.fusedStep p' s' x').2 := by
  obtain ⟨hw, hc⟩ := hR.convStep hp.convW hp.convB hs.window (hR.linear hp.inX hx)
  have read := hR.mambaScanInput hp hx
    (hc.mapVec (Q := R) (f := fun v => Scalar.silu v) (g := fun v => Scalar.silu v) fun _ _ h => hR.silu h)
  have dt := hR.mambaScanSizes hp.dtB read
  have m := hR.mambaScanStep (hR.mambaTransition hp) dt read
  have hh := hR.mambaStateStep hs.h m.1 m.2
  exact ⟨⟨hw, hh⟩, hR.linear hp.outProj (hR.mambaScanOutput hp.d read hh)⟩

end Preserved
end Spec
