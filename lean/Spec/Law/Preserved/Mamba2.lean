module
public import Spec.Law.Preserved.Sequences
public import Spec.Law.SsdChunks
public import Spec.Model.Mamba2

/-!
# Mamba-2 keeps what every operation keeps
-/

@[expose] public noncomputable section
namespace Spec
variable {α β : Type} [Scalar α] [Scalar β] {R : α → β → Prop}

namespace Mamba2
variable {D H P N K : Nat}

/-- What the heads read at one step is related. -/
structure Reading.Alike (R : α → β → Prop) (s : Reading H P N α) (s' : Reading H P N β) : Prop where
  /-- The logarithms of the decays are. -/
  g : Spec.Alike R s.g s'.g
  /-- The scaled inputs are. -/
  v : Spec.Alike (Spec.Alike R) s.v s'.v
  /-- The inputs are. -/
  x : Spec.Alike (Spec.Alike R) s.x s'.x
  /-- The input projections are. -/
  b : Spec.Alike R s.b s'.b
  /-- The output projections are. -/
  c : Spec.Alike R s.c s'.c

/-- Mixers whose weights are related. -/
structure Params.Alike (R : α → β → Prop) (p : Params D H P N K α) (p' : Params D H P N K β) : Prop where
  /-- Those of the gate's projection are. -/
  inZ : Spec.Alike (Spec.Alike R) p.inZ p'.inZ
  /-- Those of the convolution's channels are. -/
  inConv : Spec.Alike (Spec.Alike R) p.inConv p'.inConv
  /-- Those of the step sizes are. -/
  inDt : Spec.Alike (Spec.Alike R) p.inDt p'.inDt
  /-- The taps of the convolution are. -/
  convW : Spec.Alike (Spec.Alike R) p.convW p'.convW
  /-- Its biases are. -/
  convB : Spec.Alike R p.convB p'.convB
  /-- The biases of the step sizes are. -/
  dtB : Spec.Alike R p.dtB p'.dtB
  /-- The logarithms of the transition are. -/
  aLog : Spec.Alike R p.aLog p'.aLog
  /-- The skip connections are. -/
  d : Spec.Alike R p.d p'.d
  /-- The weights of the gated norm are. -/
  normW : Spec.Alike R p.normW p'.normW
  /-- The output projections are. -/
  outProj : Spec.Alike (Spec.Alike R) p.outProj p'.outProj

/-- Memories of streaming mixers that are related. -/
structure State.Alike (R : α → β → Prop) (s : State H P N K α) (s' : State H P N K β) : Prop where
  /-- The windows are. -/
  window : Spec.Alike (Spec.Alike R) s.window s'.window
  /-- The states are. -/
  h : Spec.Alike (Spec.Alike (Spec.Alike R)) s.h s'.h

end Mamba2

namespace Preserved
open Mamba2
variable (hR : Preserved R) {D H P N K Q : Nat}
include hR

theorem mamba2Of {dt a : Vector α H} {dt' a' : Vector β H} {x : Mat H P α} {x' : Mat H P β} {b c : Vector α N}
    {b' c' : Vector β N} (hdt : Alike R dt dt') (ha : Alike R a a') (hx : Alike (Alike R) x x') (hb : Alike R b b')
    (hc : Alike R c c') : (Reading.of dt a x b c).Alike R (Reading.of dt' a' x' b' c') :=
  ⟨alike_build fun k => hR.mul (hdt.at k) (ha.at k),
    alike_build fun k => alike_build fun p => hR.mul ((hx.at k).at p) (hdt.at k), hx, hb, hc⟩

theorem mamba2Nothing : (Reading.nothing : Reading H P N α).Alike R (Reading.nothing : Reading H P N β) :=
  ⟨hR.zeros H, alike_build fun _ => hR.zeros P, alike_build fun _ => hR.zeros P, hR.zeros N, hR.zeros N⟩

theorem mamba2NoState : Alike (Alike (Alike R)) (noState : Image H P N α) (noState : Image H P N β) :=
  alike_build fun _ => alike_build fun _ => hR.zeros N

theorem mamba2Advance {h : Image H P N α} {h' : Image H P N β} {s : Reading H P N α} {s' : Reading H P N β}
    (hh : Alike (Alike (Alike R)) h h') (hs : s.Alike R s') : Alike (Alike (Alike R)) (advance h s) (advance h' s') :=
  alike_build fun k => alike_build fun p => alike_build fun n => hR.step (hR.exp (hs.g.at k)) (((hh.at k).at p).at n)
    (hR.mul ((hs.v.at k).at p) (hs.b.at n))

theorem mamba2Readout {d : Vector α H} {d' : Vector β H} {s : Reading H P N α} {s' : Reading H P N β} {h : Image H P N α}
    {h' : Image H P N β} (hd : Alike R d d') (hs : s.Alike R s') (hh : Alike (Alike (Alike R)) h h') :
    Alike (Alike R) (readout d s h) (readout d' s' h') :=
  alike_build fun k => alike_build fun p => hR.dot (.cons ⟨hd.at k, (hs.x.at k).at p⟩ (.entries fun n =>
    ⟨hs.c.at n, ((hh.at k).at p).at n⟩))

theorem mamba2Chunk {xs : List (Reading H P N α)} {xs' : List (Reading H P N β)} (hx : Each (Reading.Alike R) xs xs')
    (m : Nat) : Alike (Reading.Alike R) (chunk Q xs.toArray m) (chunk Q xs'.toArray m) :=
  alike_build fun _ => hx.getD hR.mamba2Nothing _

omit hR [Scalar α] [Scalar β] in
theorem mamba2Logs {s : Vector (Reading H P N α) Q} {s' : Vector (Reading H P N β) Q} (hs : Alike (Reading.Alike R) s s')
    (k : Fin H) : Alike R (logs s k) (logs s' k) :=
  alike_build fun i => (hs.at i).g.at k

theorem mamba2UpTo {g : Vector α Q} {g' : Vector β Q} (hg : Alike R g g') (i : Fin Q) : R (upTo g i) (upTo g' i) :=
  hR.sum (.entries fun _ => hg _ _)

theorem mamba2Between {g : Vector α Q} {g' : Vector β Q} (hg : Alike R g g') (i j : Fin Q) :
    R (Mamba2.between g i j) (Mamba2.between g' i j) :=
  hR.exp (hR.either (hR.sum (.entries fun _ => hg _ _)) (hR.sub (hR.mamba2UpTo hg i) (hR.mamba2UpTo hg j)))

theorem mamba2Decays {g : Vector α Q} {g' : Vector β Q} (hg : Alike R g g') : Alike (Alike R) (decays g) (decays g') :=
  alike_build fun i => alike_build fun j => by
    split
    · exact hR.mamba2Between hg i j
    · exact hR.zero

theorem mamba2Absorb {s : Vector (Reading H P N α) Q} {s' : Vector (Reading H P N β) Q} {h : Image H P N α}
    {h' : Image H P N β} (hs : Alike (Reading.Alike R) s s') (hh : Alike (Alike (Alike R)) h h') :
    Alike (Alike (Alike R)) (absorb s h) (absorb s' h') :=
  alike_build fun k =>
    have hg := mamba2Logs hs k
    have hw : Alike R (toEnd (logs s k)) (toEnd (logs s' k)) := alike_build fun _ => hR.mamba2Between hg _ _
    alike_build fun p => alike_build fun n => hR.step (hR.exp (hR.sum (.entries fun i => hg.at i))) (((hh.at k).at p).at n)
      (hR.dot (.entries fun j => ⟨hR.mul ((hs.at j).b.at n) (hw.at j), ((hs.at j).v.at k).at p⟩))

theorem mamba2Emit {d : Vector α H} {d' : Vector β H} {s : Vector (Reading H P N α) Q} {s' : Vector (Reading H P N β) Q}
    {h : Image H P N α} {h' : Image H P N β} (hd : Alike R d d') (hs : Alike (Reading.Alike R) s s')
    (hh : Alike (Alike (Alike R)) h h') (i : Fin Q) : Alike (Alike R) (emit d s h i) (emit d' s' h' i) :=
  alike_build fun k =>
    have hg := mamba2Logs hs k
    have hw := alike_build (R := R) (n := i.1 + 1) fun j =>
      have hj : j.1 < Q := by have := j.2; have := i.2; omega
      hR.mul (hR.inner (hs.at i).c (hs.at ⟨j.1, hj⟩).b) (hR.mamba2Between hg i ⟨j.1, hj⟩)
    alike_build fun p => hR.dot (.cons ⟨hd.at k, ((hs.at i).x.at k).at p⟩
      (.cons ⟨hR.mul (hR.inner (hs.at i).c ((hh.at k).at p)) (hR.exp (hR.mamba2UpTo hg i)), hR.int 1⟩
        (.entries fun j => ⟨hw.at j, ((hs.at ⟨j.1, by have := j.2; have := i.2; omega⟩).v.at k).at p⟩)))

theorem mamba2Starts {xs : List (Reading H P N α)} {xs' : List (Reading H P N β)} (hx : Each (Reading.Alike R) xs xs')
    (n : Nat) : Each (Alike (Alike (Alike R))) (starts Q n xs.toArray) (starts Q n xs'.toArray) := by
  refine .cons hR.mamba2NoState (Each.scanWith (Q := fun i j : Nat => i = j) (fun h h' i j hh hij => ?_)
    (.entries fun _ => rfl) hR.mamba2NoState)
  subst hij
  exact hR.mamba2Absorb (hR.mamba2Chunk hx _) hh

theorem mamba2Chunked (hQ : 0 < Q) {d : Vector α H} {d' : Vector β H} (hd : Alike R d d') {xs : List (Reading H P N α)}
    {xs' : List (Reading H P N β)} (hx : Each (Reading.Alike R) xs xs') :
    Each (Alike (Alike R)) (chunked hQ d xs) (chunked hQ d' xs') := by
  refine .of_getElem (by simpa using hx.length_eq) fun t h1 h2 => ?_
  have hb (m : Nat) : Alike (Alike (Alike R)) (before Q xs.toArray m) (before Q xs'.toArray m) := by
    induction m with
    | zero => exact hR.mamba2NoState
    | succ m ih => exact hR.mamba2Absorb (hR.mamba2Chunk hx m) ih
  rw [getElem_chunked _ _ _ t (by simpa using h1), getElem_chunked _ _ _ t (by simpa using h2)]
  exact hR.mamba2Emit hd (hR.mamba2Chunk hx _) (hb _) _

theorem mamba2GatedNorm {n : Nat} {w y z : Vector α n} {w' y' z' : Vector β n} {eps : α} {eps' : β} (hw : Alike R w w')
    (he : R eps eps') (hy : Alike R y y') (hz : Alike R z z') :
    Alike R (gatedNorm w eps y z) (gatedNorm w' eps' y' z') :=
  hR.rmsNorm hw he (alike_build fun i => hR.mul (hy.at i) (hR.silu (hz.at i)))

variable {p : Params D H P N K α} {p' : Params D H P N K β} (hp : p.Alike R p') {eps : α} {eps' : β} (he : R eps eps')
include hp

theorem mamba2Reading {x : Vector α D} {x' : Vector β D} {u : Vector α (channels H P N)} {u' : Vector β (channels H P N)}
    (hx : Alike R x x') (hu : Alike R u u') :
    (reading p (transition p.aLog) x u).Alike R (reading p' (transition p'.aLog) x' u') :=
  have raw := hR.linear hp.inDt hx
  hR.mamba2Of (alike_build fun k => hR.softplus (hR.add (raw.at k) (hp.dtB.at k)))
    (alike_build fun k => hR.neg (hR.exp (hp.aLog.at k))) (alike_build fun _ => alike_build fun _ => hu _ _)
    (alike_build fun _ => hu _ _) (alike_build fun _ => hu _ _)

theorem mamba2Readings {xs : List (Vector α D)} {xs' : List (Vector β D)} (hx : Each (Alike R) xs xs') :
    ∀ {us : List (Vector α (channels H P N))} {us' : List (Vector β (channels H P N))}, Each (Alike R) us us' →
      Each (Reading.Alike R) (readings p (transition p.aLog) xs us) (readings p' (transition p'.aLog) xs' us') := by
  induction hx with
  | nil => intros; exact .nil
  | cons hx _ ih =>
    intro us us' hu
    cases hu with
    | nil => exact .nil
    | cons hu hus => exact .cons (hR.mamba2Reading hp hx hu) (ih hus)

include he

theorem mamba2Output {x : Vector α D} {x' : Vector β D} {y : Mat H P α} {y' : Mat H P β} (hx : Alike R x x')
    (hy : Alike (Alike R) y y') : Alike R (output p eps x y) (output p' eps' x' y') :=
  hR.linear hp.outProj (hR.mamba2GatedNorm hp.normW he (alike_build fun k => (hy.at (rowOf k)).at (colOf k))
    (hR.linear hp.inZ hx))

theorem mamba2Outputs {xs : List (Vector α D)} {xs' : List (Vector β D)} (hx : Each (Alike R) xs xs') :
    ∀ {ys : List (Mat H P α)} {ys' : List (Mat H P β)}, Each (Alike (Alike R)) ys ys' →
      Each (Alike R) (outputs p eps xs ys) (outputs p' eps' xs' ys') := by
  induction hx with
  | nil => intros; exact .nil
  | cons hx _ ih =>
    intro ys ys' hy
    cases hy with
    | nil => exact .nil
    | cons hy hys => exact .cons (hR.mamba2Output hp he hx hy) (ih hys)

/-- The mixer of a sequence, in chunks. -/
theorem mamba2Mixer (hQ : 0 < Q) {xs : List (Vector α D)} {xs' : List (Vector β D)} (hx : Each (Alike R) xs xs') :
    Each (Alike R) (mixer hQ p eps xs) (mixer hQ p' eps' xs') :=
  have hu : Each (Alike R) (activations p xs) (activations p' xs') :=
    (hR.causalConv hp.convW hp.convB (hx.map fun _ _ h => hR.linear hp.inConv h)).map fun _ _ h =>
      h.mapVec fun _ _ h => hR.silu h
  hR.mamba2Outputs hp he hx (hR.mamba2Chunked hQ hp.d (hR.mamba2Readings hp hx hu))

/-- A step of the mixer that reads one input at a time. -/
theorem mamba2Step {s : State H P N K α} {s' : State H P N K β} {x : Vector α D} {x' : Vector β D} (hs : s.Alike R s')
    (hx : Alike R x x') : (Mamba2.step p eps s x).1.Alike R (Mamba2.step p' eps' s' x').1 ∧
      Alike R (Mamba2.step p eps s x).2 (Mamba2.step p' eps' s' x').2 := by
  obtain ⟨hw, hc⟩ := hR.convStep hp.convW hp.convB hs.window (hR.linear hp.inConv hx)
  have hr := hR.mamba2Reading hp hx
    (hc.mapVec (Q := R) (f := fun v => Scalar.silu v) (g := fun v => Scalar.silu v) fun _ _ h => hR.silu h)
  have hh := hR.mamba2Advance hs.h hr
  exact ⟨⟨hw, hh⟩, hR.mamba2Output hp he hx (hR.mamba2Readout hp.d hr hh)⟩

end Preserved
end Spec
