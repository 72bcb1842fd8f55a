module
public import Spec.Law.Preserved.Networks
public import Spec.Law.Preserved.Spectral
public import Spec.Law.GPT

/-!
# GPT keeps what every operation keeps

Embeddings, causal attention with a cache, GELU by the hyperbolic tangent, and the decoder from tokens to logits.
-/

@[expose] public noncomputable section
namespace Spec
variable {α β γ δ : Type} {R : α → β → Prop} {Q : γ → δ → Prop} {V C D M H d P T S : Nat}

theorem Alike.firstOf {x : Vector γ S} {x' : Vector δ S} (hx : Alike Q x x') (n : Nat) (h : n ≤ S) :
    Alike Q (firstOf n h x) (firstOf n h x') := alike_build fun _ => hx _ _

theorem Alike.followedBy {x : Vector γ P} {x' : Vector δ P} {y : Vector γ T} {y' : Vector δ T} (hx : Alike Q x x')
    (hy : Alike Q y y') : Alike Q (followedBy x y) (followedBy x' y') := alike_build fun i => by
  split
  · exact hx _ _
  · exact hy _ _

theorem Alike.cast {n k : Nat} {x : Vector γ n} {x' : Vector δ n} (hx : Alike Q x x') (h : n = k) :
    Alike Q (x.cast h) (x'.cast h) := by subst h; exact hx

/-- Caches whose keys and values are related. -/
structure Cache.Alike (R : α → β → Prop) (c : Cache H P d α) (c' : Cache H P d β) : Prop where
  /-- The keys are. -/
  k : Spec.Alike (Spec.Alike (Spec.Alike R)) c.k c'.k
  /-- The values are. -/
  v : Spec.Alike (Spec.Alike (Spec.Alike R)) c.v c'.v

/-- What positions do to related rows is related. -/
def Turn.Alike (R : α → β → Prop) (turn : Turn d α) (turn' : Turn d β) : Prop :=
  ∀ n x x', Spec.Alike R x x' → Spec.Alike R (turn n x) (turn' n x')

theorem Turn.Alike.rows {turn : Turn d α} {turn' : Turn d β} (h : turn.Alike R turn') (P : Nat) {x : Mat T d α} {x' : Mat T d β}
    (hx : Spec.Alike (Spec.Alike R) x x') : Spec.Alike (Spec.Alike R) (turn.rows P x) (turn'.rows P x') :=
  alike_build fun t => h _ _ _ (hx.at t)

/-- Rotations of one size whose tables are related. -/
inductive Rotation.Alike (R : α → β → Prop) : Rotation C d α → Rotation C d β → Prop
  | mk {e : Nat} {even : d = e + e} {c s : Mat C e α} {c' s' : Mat C e β} (hc : Spec.Alike (Spec.Alike R) c c')
      (hs : Spec.Alike (Spec.Alike R) s s') : Alike R ⟨e, even, c, s⟩ ⟨e, even, c', s'⟩

/-- Positions of one kind whose tables are related. -/
inductive GPT.Positions.Alike (R : α → β → Prop) : GPT.Positions C H d α → GPT.Positions C H d β → Prop
  | learned {t : Mat C (H * d) α} {t' : Mat C (H * d) β} (h : Spec.Alike (Spec.Alike R) t t') :
      Alike R (.learned t) (.learned t')
  | rotary {r : Rotation C d α} {r' : Rotation C d β} (h : r.Alike R r') : Alike R (.rotary r) (.rotary r')

namespace Cache.Alike

theorem empty : (Cache.empty : Cache H 0 d α).Alike R (Cache.empty : Cache H 0 d β) :=
  ⟨alike_build fun _ _ h => absurd h (by omega), alike_build fun _ _ h => absurd h (by omega)⟩

theorem push {turn : Turn d α} {turn' : Turn d β} (ht : turn.Alike R turn') {c : Cache H P d α} {c' : Cache H P d β}
    {y : Mat T (3 * (H * d)) α} {y' : Mat T (3 * (H * d)) β}
    (hc : c.Alike R c') (hy : Spec.Alike (Spec.Alike R) y y') : (c.push turn y).Alike R (c'.push turn' y') :=
  ⟨alike_build fun h => (hc.k.at h).followedBy (ht.rows P (hy.headOf 1 h)),
    alike_build fun h => (hc.v.at h).followedBy (hy.headOf 2 h)⟩

end Cache.Alike

/-- GPTs whose parameters are related. -/
structure GPT.Params.Alike (R : α → β → Prop) (p : GPT.Params V C H d M α) (p' : GPT.Params V C H d M β) : Prop where
  /-- The embeddings of the tokens are. -/
  tokens : Spec.Alike (Spec.Alike R) p.tokens p'.tokens
  /-- The positions are. -/
  positions : p.positions.Alike R p'.positions
  /-- The blocks are. -/
  blocks : Each (ViT.Block.Alike R) p.blocks p'.blocks
  /-- The last normalizations are. -/
  norm : p.norm.Alike R p'.norm
  /-- The heads are. -/
  head : Spec.Alike (Spec.Alike R) p.head p'.head

variable [Scalar α] [Scalar β]

namespace Preserved
variable (hR : Preserved R)
include hR

theorem embedAt {tokens : Mat V D α} {tokens' : Mat V D β} {positions : Mat C D α} {positions' : Mat C D β}
    (ht : Alike (Alike R) tokens tokens') (hp : Alike (Alike R) positions positions') (token : Fin V)
    (position : Fin C) : Alike R (embedAt tokens positions token position) (embedAt tokens' positions' token position) :=
  hR.addVec (ht.at token) (hp.at position)

/-! ### Rotary positions -/

theorem rotaryAngle (pairs n i : Nat) :
    R (rotaryAngle pairs n i : α × α).1 (rotaryAngle pairs n i : β × β).1 ∧
      R (rotaryAngle pairs n i : α × α).2 (rotaryAngle pairs n i : β × β).2 := by
  simp only [Spec.rotaryAngle]
  generalize Fixed.angle pairs n i = angle
  exact ⟨hR.knownWith (hR.ofFixed _) (hR.ofFixed _), hR.knownWith (hR.ofFixed _) (hR.ofFixed _)⟩

theorem rotate {c s : Vector α d} {c' s' : Vector β d} {x : Vector α (d + d)} {x' : Vector β (d + d)} (hc : Alike R c c')
    (hs : Alike R s s') (hx : Alike R x x') : Alike R (rotate c s x) (rotate c' s' x') :=
  alike_build fun i => by
    split
    · exact hR.sub (hR.mul (hx _ _) (hc _ _)) (hR.mul (hx _ _) (hs _ _))
    · exact hR.add (hR.mul (hx _ _) (hc _ _)) (hR.mul (hx _ _) (hs _ _))

theorem rotation {r : Rotation C d α} {r' : Rotation C d β} (h : r.Alike R r') : r.turn.Alike R r'.turn := by
  cases h with
  | mk hc hs =>
    intro n x x' hx
    simp only [Rotation.turn]
    split
    · exact (hR.rotate (hc _ _) (hs _ _) (hx.cast _)).cast _
    · exact hx

theorem turn {p : GPT.Positions C H d α} {p' : GPT.Positions C H d β} (h : p.Alike R p') : p.turn.Alike R p'.turn := by
  cases h with
  | learned => exact fun _ _ _ h => h
  | rotary h => exact hR.rotation h

theorem embedded {p : GPT.Positions C H d α} {p' : GPT.Positions C H d β} (h : p.Alike R p') {tokens : Mat V (H * d) α}
    {tokens' : Mat V (H * d) β} (ht : Alike (Alike R) tokens tokens') (x : Vector (Fin V) T) (le : P + T ≤ C) :
    Alike (Alike R) (p.embed tokens P x le) (p'.embed tokens' P x le) := by
  cases h with
  | learned h => exact alike_build fun _ => hR.embedAt ht h _ _
  | rotary => exact alike_build fun _ => ht.at _

/-! ### Causal attention -/

theorem softmaxFirst {x : Vector α S} {x' : Vector β S} (hx : Alike R x x') (n : Nat) (h : n ≤ S) :
    Alike R (softmaxFirst n h x) (softmaxFirst n h x') :=
  alike_build fun s => by
    split
    · exact hR.softmax (hx.firstOf n h) _ _
    · exact hR.zero

theorem causalAttend {q : Mat T d α} {q' : Mat T d β} {k v : Mat (P + T) d α} {k' v' : Mat (P + T) d β}
    (hq : Alike (Alike R) q q') (hk : Alike (Alike R) k k') (hv : Alike (Alike R) v v') :
    Alike (Alike R) (causalAttend q k v) (causalAttend q' k' v') :=
  alike_build fun t =>
    hR.mixRow (hR.softmax (hR.scoreRow (hq.at t) (hk.firstOf _ (seen_le P t)))) (hv.firstOf _ (seen_le P t))

/-- Causal multi-head self-attention: its outputs and the new cache. -/
theorem causalAttention {turn : Turn d α} {turn' : Turn d β} (ht : turn.Alike R turn') {p : AttentionParams (H * d) α}
    {p' : AttentionParams (H * d) β} {c : Cache H P d α} {c' : Cache H P d β} {x : Mat T (H * d) α} {x' : Mat T (H * d) β}
    (hp : p.Alike R p') (hc : c.Alike R c')
    (hx : Alike (Alike R) x x') : Alike (Alike R) (causalAttention turn p c x).1 (causalAttention turn' p' c' x').1 ∧
      (causalAttention turn p c x).2.Alike R (causalAttention turn' p' c' x').2 := by
  have y := hx.mapVec (Q := Alike R) fun _ _ h => hR.linearBias hp.qkvW hp.qkvB h
  have next := hc.push ht y
  refine ⟨Alike.mapVec (P := Alike R) (fun _ _ h => hR.linearBias hp.projW hp.projB h) (Alike.concatHeads ?_), next⟩
  exact alike_build fun h => hR.causalAttend (ht.rows P (y.headOf 0 h)) (next.k.at h) (next.v.at h)

/-! ### Perceptron -/

theorem geluTanh {x : α} {x' : β} (hx : R x x') : R (geluTanh x) (geluTanh x') := by
  have c := hR.const (Int.ofNat 44715) (10 ^ 6)
  have root : R rootTwoOverPi rootTwoOverPi := hR.const _ _
  have inner : R (geluInner x) (geluInner x') :=
    hR.either (hR.mul root (hR.add hx (hR.mul c (hR.mul (hR.mul hx hx) hx))))
      (hR.mul (hR.mul root hx) (hR.add (hR.int 1) (hR.mul (hR.mul c hx) hx)))
  exact hR.mul (hR.mul (hR.const 1 2) hx) (hR.add (hR.int 1) (hR.tanh inner))

theorem activation (a : GPT.Activation) {x : α} {x' : β} (hx : R x x') : R (a.apply x) (a.apply x') := by
  cases a with
  | erf => exact hR.gelu hx
  | tanh => exact hR.geluTanh hx

/-! ### The decoder -/

variable {turn : Turn d α} {turn' : Turn d β} (ht : turn.Alike R turn') (a : GPT.Activation) {eps : α} {eps' : β} (he : R eps eps')
include he

include ht in
theorem gptBlock {p : ViT.Block (H * d) M α} {p' : ViT.Block (H * d) M β} {c : Cache H P d α} {c' : Cache H P d β}
    {x : Mat T (H * d) α} {x' : Mat T (H * d) β} (hp : p.Alike R p') (hc : c.Alike R c') (hx : Alike (Alike R) x x') :
    Alike (Alike R) (GPT.block turn a eps p c x).1 (GPT.block turn' a eps' p' c' x').1 ∧
      (GPT.block turn a eps p c x).2.Alike R (GPT.block turn' a eps' p' c' x').2 := by
  have rows {x y : Mat T (H * d) α} {x' y' : Mat T (H * d) β} (hx : Alike (Alike R) x x') (hy : Alike (Alike R) y y') :
      Alike (Alike R) (ViT.addRows x y) (ViT.addRows x' y') := alike_build fun t => hR.addVec (hx.at t) (hy.at t)
  have perceptron (v : Vector α (H * d)) (v' : Vector β (H * d)) (h : Alike R v v') :
      Alike R (GPT.perceptron a p v) (GPT.perceptron a p' v') :=
    hR.linearBias hp.fc2W hp.fc2B ((hR.linearBias hp.fc1W hp.fc1B h).mapVec fun _ _ h => hR.activation a h)
  have attended := hR.causalAttention ht hp.attention hc (hR.vitNorm hp.norm1 he hx)
  have y := rows hx attended.1
  exact ⟨rows y ((hR.vitNorm hp.norm2 he y).mapVec perceptron), attended.2⟩

include ht in
theorem gptStack {blocks : List (ViT.Block (H * d) M α)} {blocks' : List (ViT.Block (H * d) M β)}
    (hp : Each (ViT.Block.Alike R) blocks blocks') {caches : List (Cache H P d α)} {caches' : List (Cache H P d β)}
    (hc : Each (Cache.Alike R) caches caches') {x : Mat T (H * d) α} {x' : Mat T (H * d) β}
    (hx : Alike (Alike R) x x') :
    Alike (Alike R) (GPT.stack turn a eps blocks caches x).1 (GPT.stack turn' a eps' blocks' caches' x').1 ∧
      Each (Cache.Alike R) (GPT.stack turn a eps blocks caches x).2 (GPT.stack turn' a eps' blocks' caches' x').2 := by
  induction hp generalizing caches caches' x x' with
  | nil => exact ⟨hx, .nil⟩
  | cons hp _ ih =>
    cases hc with
    | nil => exact ⟨hx, .nil⟩
    | cons hc hcs =>
      have h1 := hR.gptBlock ht a he hp hc hx
      have h2 := ih hcs h1.1
      exact ⟨h2.1, .cons h1.2 h2.2⟩

/-- The network, on tokens after those of the caches. -/
theorem gptForward {p : GPT.Params V C H d M α} {p' : GPT.Params V C H d M β} (hp : p.Alike R p')
    {caches : List (Cache H P d α)} {caches' : List (Cache H P d β)} (hc : Each (Cache.Alike R) caches caches')
    (x : Vector (Fin V) T) (h : P + T ≤ C) :
    Alike (Alike R) (GPT.forward a eps p caches x h).1 (GPT.forward a eps' p' caches' x h).1 ∧
      Each (Cache.Alike R) (GPT.forward a eps p caches x h).2 (GPT.forward a eps' p' caches' x h).2 := by
  have out := hR.gptStack (hR.turn hp.positions) a he hp.blocks hc (hR.embedded hp.positions hp.tokens x h)
  exact ⟨out.1.mapVec fun _ _ h => hR.linear hp.head (hR.layerNorm hp.norm.weight hp.norm.bias he h), out.2⟩

/-- The whole network. -/
theorem gptLogits {p : GPT.Params V C H d M α} {p' : GPT.Params V C H d M β} (hp : p.Alike R p')
    (x : Vector (Fin V) T) (h : T ≤ C) : Alike (Alike R) (GPT.logits a eps p x h) (GPT.logits a eps' p' x h) :=
  (hR.gptForward a he hp (hp.blocks.map fun _ _ _ => .empty) x (by omega)).1

/-- Decoding with a cache, token after token. -/
theorem gptDecode {p : GPT.Params V C H d M α} {p' : GPT.Params V C H d M β} (hp : p.Alike R p')
    (xs : List (Fin V)) {P : Nat} {caches : List (Cache H P d α)} {caches' : List (Cache H P d β)}
    (hc : Each (Cache.Alike R) caches caches') (h : P + xs.length ≤ C) :
    Each (Alike R) (GPT.decode a eps p caches xs h) (GPT.decode a eps' p' caches' xs h) := by
  induction xs generalizing P with
  | nil => exact .nil
  | cons x xs ih =>
    have out := hR.gptForward a he hp hc (build 1 fun _ => x) (by simp only [List.length_cons] at h; omega)
    exact .cons (out.1 0 (by omega)) (ih out.2 _)

end Preserved
end Spec
