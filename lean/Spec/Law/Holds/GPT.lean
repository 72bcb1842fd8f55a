module
public import Spec.Law.Holds
public import Spec.Law.Preserved.GPT

/-!
# GPT run with rounding stays in its budget
-/

@[expose] public noncomputable section
namespace Spec
open Lean.Grind Std

variable {m : Rounding} {K : Type} [Field K] [LE K] [LT K] [LawfulOrderLT K] [IsLinearOrder K] [OrderedRing K]
  {N : Numbers K} (hN : N.Enclosing) {P T H d M V C : Nat}
include hN

/-- Causal attention of one head. -/
theorem causalAttend_holds {q : Mat T d (Reach m)} {q' : Mat T d (Execution m N)} {k v : Mat (P + T) d (Reach m)}
    {k' v' : Mat (P + T) d (Execution m N)} (hq : Alike (Alike Inside) q q') (hk : Alike (Alike Inside) k k')
    (hv : Alike (Alike Inside) v v') (t : Fin T) : InBudget (causalAttend q k v)[t] (causalAttend q' k' v')[t] :=
  (((inside_preserved hN).causalAttend hq hk hv).at t).inBudget

/-- Causal multi-head self-attention of tokens after those of a cache. -/
theorem causalAttention_holds {turn : Turn d (Reach m)} {turn' : Turn d (Execution m N)} (ht : turn.Alike Inside turn')
    {p : AttentionParams (H * d) (Reach m)} {p' : AttentionParams (H * d) (Execution m N)}
    {c : Cache H P d (Reach m)} {c' : Cache H P d (Execution m N)} {x : Mat T (H * d) (Reach m)}
    {x' : Mat T (H * d) (Execution m N)} (hp : p.Alike Inside p') (hc : c.Alike Inside c')
    (hx : Alike (Alike Inside) x x') (t : Fin T) :
    InBudget (causalAttention turn p c x).1[t] (causalAttention turn' p' c' x').1[t] :=
  (((inside_preserved hN).causalAttention ht hp hc hx).1.at t).inBudget

variable (a : GPT.Activation) {eps : Reach m} {eps' : Execution m N} {p : GPT.Params V C H d M (Reach m)}
  {p' : GPT.Params V C H d M (Execution m N)}

/-- A GPT, from tokens to logits. -/
theorem gptLogits_holds (he : Inside eps eps') (hp : p.Alike Inside p') (x : Vector (Fin V) T) (h : T ≤ C) (t : Fin T) :
    InBudget (GPT.logits a eps p x h)[t] (GPT.logits a eps' p' x h)[t] :=
  (((inside_preserved hN).gptLogits a he hp x h).at t).inBudget

/-- A GPT that decodes token after token with a cache. -/
theorem gptDecode_holds (he : Inside eps eps') (hp : p.Alike Inside p') {caches : List (Cache H P d (Reach m))}
    {caches' : List (Cache H P d (Execution m N))} (hc : Each (Cache.Alike Inside) caches caches') (xs : List (Fin V))
    (h : P + xs.length ≤ C) : Each InBudget (GPT.decode a eps p caches xs h) (GPT.decode a eps' p' caches' xs h) :=
  ((inside_preserved hN).gptDecode a he hp xs hc h).imp fun _ _ h => h.inBudget

end Spec
