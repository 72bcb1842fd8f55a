module
public import Spec.Law.Preserved.Sequences

/-!
# Recurrent cells and layers keep what every operation keeps
-/

@[expose] public noncomputable section
namespace Spec
variable {α β : Type} [Scalar α] [Scalar β] {R : α → β → Prop} {E H : Nat}

/-- Gates whose weights are related. -/
structure Gate.Alike (R : α → β → Prop) (p : Gate E H α) (p' : Gate E H β) : Prop where
  /-- Those of the input are. -/
  w : Spec.Alike (Spec.Alike R) p.w p'.w
  /-- Those of the hidden state are. -/
  u : Spec.Alike (Spec.Alike R) p.u p'.u
  /-- The biases beside the input are. -/
  b : Spec.Alike R p.b p'.b
  /-- The biases beside the hidden state are. -/
  c : Spec.Alike R p.c p'.c

/-- LSTMs whose gates are related. -/
structure LSTM.Alike (R : α → β → Prop) (p : LSTM E H α) (p' : LSTM E H β) : Prop where
  /-- The input gates are. -/
  i : p.i.Alike R p'.i
  /-- The forget gates are. -/
  f : p.f.Alike R p'.f
  /-- The candidates are. -/
  g : p.g.Alike R p'.g
  /-- The output gates are. -/
  o : p.o.Alike R p'.o

/-- States of an LSTM that are related. -/
structure LSTMState.Alike (R : α → β → Prop) (s : LSTMState H α) (s' : LSTMState H β) : Prop where
  /-- The hidden states are. -/
  h : Spec.Alike R s.h s'.h
  /-- The cells are. -/
  c : Spec.Alike R s.c s'.c

/-- GRUs whose gates are related. -/
structure GRU.Alike (R : α → β → Prop) (p : GRU E H α) (p' : GRU E H β) : Prop where
  /-- The reset gates are. -/
  r : p.r.Alike R p'.r
  /-- The update gates are. -/
  z : p.z.Alike R p'.z
  /-- The candidates are. -/
  n : p.n.Alike R p'.n

theorem Each.unroll {σ τ ι κ ο π : Type} {S : σ → τ → Prop} {Q : ι → κ → Prop} {P : ο → π → Prop} {f : σ → ι → σ}
    {g : τ → κ → τ} {read : σ → ο} {read' : τ → π} (h : ∀ s t x y, S s t → Q x y → S (f s x) (g t y))
    (hr : ∀ s t, S s t → P (read s) (read' t)) {xs : List ι} {ys : List κ} (hs : Each Q xs ys) {s : σ} {t : τ}
    (h0 : S s t) : Each P (unroll f read s xs) (unroll g read' t ys) :=
  (hs.scanWith h h0).map hr

omit [Scalar α] [Scalar β] in
theorem Alike.beside {x : Vector α E} {x' : Vector β E} {y : Vector α H} {y' : Vector β H} (hx : Alike R x x')
    (hy : Alike R y y') : Alike R (beside x y) (beside x' y') :=
  alike_build fun i => by
    split
    · exact hx _ _
    · exact hy _ _

namespace Preserved
variable (hR : Preserved R)
include hR

theorem linearReadings {n : Nat} {w x : Vector α n} {w' x' : Vector β n} {b wx : α} {b' wx' : β} (hw : Alike R w w')
    (hb : R b b') (hx : Alike R x x') (hwx : R wx wx') : R (linearReadings w b x wx) (linearReadings w' b' x' wx') :=
  hR.either (hR.affine hb hw hx) (hR.add hwx hb)

theorem gateSumAt {p : Gate E H α} {p' : Gate E H β} {x : Vector α E} {x' : Vector β E} {h : Vector α H}
    {h' : Vector β H} (hp : p.Alike R p') (hx : Alike R x x') (hh : Alike R h h') (j : Fin H) :
    R (p.sumAt x h j) (p'.sumAt x' h' j) := by
  have w := hp.w.at j
  have u := hp.u.at j
  have b := hp.b.at j
  have c := hp.c.at j
  have wx := hR.inner w hx
  have uh := hR.inner u hh
  have input := hR.linearReadings w b hx wx
  have row := Alike.beside w u
  have both := hx.beside hh
  unfold Gate.sumAt
  refine hR.either (hR.dot ?_) (hR.either ?_ (hR.either ?_ (hR.sum ?_)))
  · exact .cons ⟨b, hR.int 1⟩ (.cons ⟨c, hR.int 1⟩ (.entries fun i => ⟨row.at i, both.at i⟩))
  · exact hR.add input (hR.linearReadings u c hh uh)
  · exact hR.add (hR.add input uh) c
  · exact .cons wx (.cons uh (.cons b (.cons c .nil)))

theorem rnnCell {p : Gate E H α} {p' : Gate E H β} {x : Vector α E} {x' : Vector β E} {h : Vector α H}
    {h' : Vector β H} (hp : p.Alike R p') (hh : Alike R h h') (hx : Alike R x x') :
    Alike R (rnnCell p h x) (rnnCell p' h' x') :=
  alike_build fun j => hR.tanh (hR.gateSumAt hp hx hh j)

theorem rnn {p : Gate E H α} {p' : Gate E H β} {xs : List (Vector α E)} {xs' : List (Vector β E)} {h : Vector α H}
    {h' : Vector β H} (hp : p.Alike R p') (hh : Alike R h h') (hx : Each (Alike R) xs xs') :
    Each (Alike R) (rnn p h xs) (rnn p' h' xs')  := by
  unfold Spec.rnn
  exact Each.unroll (S := Alike R) (P := Alike R) (fun _ _ _ _ hs hx => hR.rnnCell hp hs hx) (fun _ _ h => h) hx hh

theorem lstmGatesAt {p : LSTM E H α} {p' : LSTM E H β} {x : Vector α E} {x' : Vector β E} {h : Vector α H}
    {h' : Vector β H} (hp : p.Alike R p') (hx : Alike R x x') (hh : Alike R h h') (j : Fin H) :
    R (p.gatesAt x h j).1 (p'.gatesAt x' h' j).1 ∧ R (p.gatesAt x h j).2.1 (p'.gatesAt x' h' j).2.1 ∧
      R (p.gatesAt x h j).2.2.1 (p'.gatesAt x' h' j).2.2.1 ∧
      R (p.gatesAt x h j).2.2.2 (p'.gatesAt x' h' j).2.2.2 := by
  unfold LSTM.gatesAt
  exact ⟨hR.sigmoid (hR.gateSumAt hp.i hx hh j), hR.sigmoid (hR.gateSumAt hp.f hx hh j),
    hR.tanh (hR.gateSumAt hp.g hx hh j), hR.sigmoid (hR.gateSumAt hp.o hx hh j)⟩

theorem lstmCell {p : LSTM E H α} {p' : LSTM E H β} {s : LSTMState H α} {s' : LSTMState H β} {x : Vector α E}
    {x' : Vector β E} (hp : p.Alike R p') (hs : s.Alike R s') (hx : Alike R x x') :
    (p.cell s x).Alike R (p'.cell s' x') := by
  have g : Alike (fun g g' : _ × _ × _ × _ => R g.1 g'.1 ∧ R g.2.1 g'.2.1 ∧ R g.2.2.1 g'.2.2.1 ∧ R g.2.2.2 g'.2.2.2)
      (build H fun j => p.gatesAt x s.h j) (build H fun j => p'.gatesAt x' s'.h j) :=
    alike_build fun j => hR.lstmGatesAt hp hx hs.h j
  have c : Alike R (p.cell s x).c (p'.cell s' x').c := alike_build fun j =>
    hR.add (hR.mul (g.at j).2.1 (hs.c.at j)) (hR.mul (g.at j).1 (g.at j).2.2.1)
  exact ⟨alike_build fun j => hR.mul (g.at j).2.2.2 (hR.tanh (c.at j)), c⟩

theorem lstm {p : LSTM E H α} {p' : LSTM E H β} {s : LSTMState H α} {s' : LSTMState H β} {xs : List (Vector α E)}
    {xs' : List (Vector β E)} (hp : p.Alike R p') (hs : s.Alike R s') (hx : Each (Alike R) xs xs') :
    Each (Alike R) (p.layer s xs) (p'.layer s' xs')  := by
  unfold LSTM.layer
  exact Each.unroll (S := LSTMState.Alike R) (P := Alike R) (fun _ _ _ _ hs hx => hR.lstmCell hp hs hx)
    (fun _ _ h => h.h) hx hs

theorem gruResets {p : GRU E H α} {p' : GRU E H β} {x : Vector α E} {x' : Vector β E} {h : Vector α H}
    {h' : Vector β H} (hp : p.Alike R p') (hx : Alike R x x') (hh : Alike R h h') :
    Alike R (p.resets x h) (p'.resets x' h') :=
  alike_build fun j => hR.sigmoid (hR.gateSumAt hp.r hx hh j)

theorem gruCell {p : GRU E H α} {p' : GRU E H β} {x : Vector α E} {x' : Vector β E} {h : Vector α H}
    {h' : Vector β H} (hp : p.Alike R p') (reset : Reset) (hh : Alike R h h') (hx : Alike R x x') :
    Alike R (p.cell reset h x) (p'.cell reset h' x') := by
  have r := hR.gruResets hp hx hh
  refine alike_build fun j => ?_
  have z : R (p.updateAt x h j) (p'.updateAt x' h' j) := hR.sigmoid (hR.gateSumAt hp.z hx hh j)
  have n : R (p.candidateAt reset (p.resets x h) x h j) (p'.candidateAt reset (p'.resets x' h') x' h' j) := by
    cases reset with
    | after =>
      have w := hp.n.w.at j
      have b := hp.n.b.at j
      have wx := hR.inner w hx
      have v := hR.mul (r.at j) (hR.linearReadings (hp.n.u.at j) (hp.n.c.at j) hh (hR.inner (hp.n.u.at j) hh))
      exact hR.tanh (hR.either (hR.add (hR.linearReadings w b hx wx) v) (hR.sum (.cons wx (.cons b (.cons v .nil)))))
    | before => exact hR.tanh (hR.gateSumAt hp.n hx (alike_build fun k => hR.mul (r.at k) (hh.at k)) j)
  exact hR.either (hR.add (hR.mul (hR.sub (hR.int 1) z) n) (hR.mul z (hh.at j)))
    (hR.add n (hR.mul z (hR.sub (hh.at j) n)))

theorem gru {p : GRU E H α} {p' : GRU E H β} {xs : List (Vector α E)} {xs' : List (Vector β E)} {h : Vector α H}
    {h' : Vector β H} (hp : p.Alike R p') (reset : Reset) (hh : Alike R h h') (hx : Each (Alike R) xs xs') :
    Each (Alike R) (p.layer reset h xs) (p'.layer reset h' xs')  := by
  have step (s : Vector α H) (s' : Vector β H) (x : Vector α E) (x' : Vector β E) (hs : Alike R s s') (hx : Alike R x x') :
      Alike R (p.cell reset s x) (p'.cell reset s' x') := hR.gruCell hp reset hs hx
  unfold GRU.layer
  exact Each.unroll (f := p.cell reset) (g := p'.cell reset) (read := fun h => h) (read' := fun h => h) step
    (fun _ _ h => h) hx hh

end Preserved
end Spec
