module
public import Spec.Check.GPT
public import Spec.Law.Point.ViT
public import Spec.Law.Preserved.GPT

/-!
# The spec points of GPT keep what every operation keeps
-/

@[expose] public noncomputable section
namespace Spec.Check.GPT
open Spec.Point
variable {α β : Type} [Recorded α] [Recorded β] {R : α → β → Prop}

theorem embed_parametric : Parametric embed := fun hR hr _ => by
  refine .same fun ids => .same fun past => .same fun _ => .same fun _ => ?_
  split
  · refine .same fun x => .same fun table => .same fun places =>
      .ite (fun _ => .ok ⟨rfl, rfl, fun i => ?_⟩) fun _ => .error _
    simp only
    split
    · exact each_vec (hR.embedAt (hr.mat table _ _ _) (hr.mat places _ _ _) _ _)
    · exact .nil
  · exact .error _

theorem angles_parametric {read : {α : Type} → α × α → α} (hread : ∀ {α β : Type} {R : α → β → Prop} {p : α × α} {q : β × β},
    R p.1 q.1 → R p.2 q.2 → R (read p) (read q)) : Parametric (angles read) := fun hR _ _ =>
  .same fun _ => .same fun _ => .ok ⟨rfl, rfl, fun _ =>
    each_vec (alike_build fun _ => hread (hR.rotaryAngle _ _ _).1 (hR.rotaryAngle _ _ _).2)⟩

theorem tokens_parametric : Parametric tokens := fun _ hr _ => by
  refine .same fun ids => .same fun _ => ?_
  split
  · refine .same fun x => .same fun table => .ok ⟨rfl, rfl, fun i => ?_⟩
    simp only
    split
    · exact each_vec ((hr.mat table _ _ _).at _)
    · exact .nil
  · exact .error _

theorem heads_parametric : Parametric heads := fun hR hr _ => by
  refine .same fun H => .same fun y => ?_
  split
  · refine .same fun y => .ok ⟨rfl, rfl, fun i => each_mat ?_⟩
    simp only
    split
    · exact (hr.mat y _ _ _).headOf _ _
    · exact alike_build fun _ => alike_build fun _ => hR.zero
  · exact .error _

theorem rotationOf_agree (hr : Reads R) (r : Request) (C e d : Nat) :
    Agree (Rotation.Alike R) (rotationOf r C e d) (rotationOf r C e d) := by
  unfold rotationOf
  split
  · exact .same fun c => .same fun s => .ok (.mk (hr.mat c _ _ _) (hr.mat s _ _ _))
  · exact .error _

theorem rotationTo_agree [Scalar α] [Scalar β] (hR : Preserved R) (hr : Reads R) (r : Request) (n d : Nat) :
    Agree (Turn.Alike R) (rotationTo r n d) (rotationTo r n d) :=
  .same fun (C, e) => .bind (rotationOf_agree hr r C e d) fun _ _ h =>
    .ite (fun _ => .ok (hR.rotation h)) fun _ => .error _

theorem rotate_parametric : Parametric rotate := fun hR hr r => by
  refine .same fun x => .same fun past => ?_
  split
  · exact .bind (rotationTo_agree hR hr r _ _) fun _ _ h => .ok ⟨rfl, rfl, fun _ => each_mat (h.rows _ (hr.mat x _ _ _))⟩
  · exact .error _

theorem append_parametric : Parametric append := fun _ hr _ => by
  refine .same fun _ => .same fun _ => ?_
  split
  · exact .same fun x => .same fun y => .ok ⟨rfl, rfl, fun _ => each_mat ((hr.mat x _ _ _).followedBy (hr.mat y _ _ _))⟩
  · exact .error _

theorem weights_parametric : Parametric weights := fun hR hr _ => by
  refine .same fun x => ?_
  split
  · refine .same fun past => .ok ⟨rfl, rfl, fun i => ?_⟩
    simp only
    split
    · exact each_vec (hR.softmaxFirst (hr.vec x _ _) _ _)
    · exact .nil
  · exact .error _

theorem attend_parametric : Parametric attend := fun hR hr _ => by
  refine .same fun _ => .same fun _ => ?_
  split
  · exact .same fun q => .same fun k => .same fun v => .same fun past => .ok ⟨rfl, rfl, fun _ =>
      each_mat (hR.causalAttend (hr.mat q _ _ _) (hr.mat k _ _ _) (hr.mat v _ _ _))⟩
  · exact .error _

theorem merge_parametric : Parametric merge := fun _ hr _ => by
  refine .same fun z => ?_
  split
  · exact .ok ⟨rfl, rfl, fun _ => each_mat (Alike.concatHeads (alike_build fun _ => hr.mat z _ _ _))⟩
  · exact .error _

theorem blockOf_agree (hr : Reads R) (r : Request) (at_ : String) (D M : Nat) :
    Agree (ViT.Block.Alike R) (blockOf r at_ D M) (blockOf r at_ D M) := by
  have vec (name : String) (n : Nat) : Agree (Alike R)
      (do return (← r.shaped (at_ ++ name) [n]).vec n : Except String _)
      (do return (← r.shaped (at_ ++ name) [n]).vec n) := .same fun t => .ok (hr.vec t _ _)
  have mat (name : String) (m n : Nat) : Agree (Alike (Alike R))
      (do return (← r.shaped (at_ ++ name) [m, n]).mat m n : Except String _)
      (do return (← r.shaped (at_ ++ name) [m, n]).mat m n) := .same fun t => .ok (hr.mat t _ _ _)
  unfold blockOf
  refine .bind (vec "norm1_weight" D) fun _ _ h1 => ?_
  refine .bind (vec "norm1_bias" D) fun _ _ h2 => ?_
  refine .bind (mat "qkv_weight" (3 * D) D) fun _ _ h3 => ?_
  refine .bind (vec "qkv_bias" (3 * D)) fun _ _ h4 => ?_
  refine .bind (mat "proj_weight" D D) fun _ _ h5 => ?_
  refine .bind (vec "proj_bias" D) fun _ _ h6 => ?_
  refine .bind (vec "norm2_weight" D) fun _ _ h7 => ?_
  refine .bind (vec "norm2_bias" D) fun _ _ h8 => ?_
  refine .bind (mat "fc1_weight" M D) fun _ _ h9 => ?_
  refine .bind (vec "fc1_bias" M) fun _ _ h10 => ?_
  refine .bind (mat "fc2_weight" D M) fun _ _ h11 => ?_
  refine .bind (vec "fc2_bias" D) fun _ _ h12 => ?_
  exact .ok ⟨⟨h1, h2⟩, ⟨h3, h4, h5, h6⟩, ⟨h7, h8⟩, h9, h10, h11, h12⟩

theorem turnOf_agree [Scalar α] [Scalar β] (hR : Preserved R) (hr : Reads R) (r : Request) (n d : Nat) :
    Agree (Turn.Alike R) (turnOf r n d) (turnOf r n d) :=
  .ite (fun _ => rotationTo_agree hR hr r n d) fun _ => .ok fun _ _ _ h => h

theorem positionsOf_agree (hr : Reads R) (r : Request) (C n H d : Nat) :
    Agree (GPT.Positions.Alike R) (positionsOf r C n H d) (positionsOf r C n H d) :=
  .ite (fun _ => .bind (rotationOf_agree hr r C n d) fun _ _ h => .ok (.rotary h))
    fun _ => .same fun table => .ok (.learned (hr.mat table _ _ _))

theorem block_parametric {read : {H P T d : Nat} → {α : Type} → Mat T (H * d) α × Cache H (P + T) d α → Array α}
    {shape : (b H P T d : Nat) → List Nat × Nat}
    (hread : ∀ {H P T d : Nat} {α β : Type} {R : α → β → Prop} {y : Mat T (H * d) α × Cache H (P + T) d α}
      {y' : Mat T (H * d) β × Cache H (P + T) d β}, Alike (Alike R) y.1 y'.1 → y.2.Alike R y'.2 →
      Each R (read y).toList (read y').toList) : Parametric (block read shape) :=
    @fun α β _ _ _ _ R hR hr r => by
  refine .same fun a => .same fun eps => .same fun _ => .same fun _ => .same fun _ => ?_
  split
  · rename_i b T _ _ H P d _ _
    refine .same fun x => .same fun k => .same fun v => ?_
    refine .bind (Q := Turn.Alike _) (turnOf_agree hR hr r _ _) fun _ _ ht => ?_
    refine .bind (Q := ViT.Block.Alike _) (blockOf_agree hr r "" _ _) fun _ _ hp => ?_
    refine .ok ⟨rfl, rfl, fun i => ?_⟩
    have heads (u : Tensor) : Alike (Alike (Alike R))
        (build H fun h => u.mat P d ((i * H + h.1) * (P * d)) : Vector (Mat P d α) H)
        (build H fun h => u.mat P d ((i * H + h.1) * (P * d))) := alike_build fun _ => hr.mat u _ _ _
    have y := hR.gptBlock ht a (hr.entry eps 0) hp (c := ⟨_, _⟩) (c' := ⟨_, _⟩) ⟨heads k, heads v⟩
      (hr.mat x T (H * d) (i * (T * (H * d))))
    exact hread y.1 y.2
  · exact .error _

theorem each_heads {H S d : Nat} {α β : Type} {R : α → β → Prop} {x : Vector (Mat S d α) H} {y : Vector (Mat S d β) H}
    (hx : Alike (Alike (Alike R)) x y) : Each R (flatHeads x).toList (flatHeads y).toList :=
  each_mats (.entries fun h => hx.at h)

theorem blockY_parametric : Parametric blockY :=
  block_parametric (read := fun out => flatMat out.1) fun y _ => each_mat y

theorem blockK_parametric : Parametric blockK :=
  block_parametric (read := fun out => flatHeads out.2.k) fun _ c => each_heads c.k

theorem blockV_parametric : Parametric blockV :=
  block_parametric (read := fun out => flatHeads out.2.v) fun _ c => each_heads c.v

theorem blocksLoop_agree (hr : Reads R) (r : Request) (D M i : Nat) {acc : List (ViT.Block D M α)}
    {acc' : List (ViT.Block D M β)} (h : Each (ViT.Block.Alike R) acc acc') :
    Agree (Each (ViT.Block.Alike R)) (blocksLoop r D M i acc) (blocksLoop r D M i acc') := by
  induction i generalizing acc acc' with
  | zero => exact .ok h
  | succ i ih => exact .bind (blockOf_agree hr r _ _ _) fun _ _ hp => ih (.cons hp h)

theorem logits_parametric : Parametric logits := fun hR hr r => by
  refine .same fun a => .same fun eps => .same fun H => .same fun ids => .same fun _ => .same fun depth =>
    .same fun _ => .same fun _ => ?_
  split
  · refine .same fun x => .same fun tokens => ?_
    refine .bind (Q := GPT.Positions.Alike _) (positionsOf_agree hr r _ _ _ _) fun _ _ hs => ?_
    refine .bind (Q := Each (ViT.Block.Alike _)) (blocksLoop_agree hr r _ _ _ .nil) fun _ _ hb => ?_
    refine .same fun w => .same fun b => .same fun head => ?_
    split
    · refine .ok ⟨rfl, rfl, fun i => ?_⟩
      simp only
      split
      · exact each_mat (hR.gptLogits a (hr.entry eps 0)
          ⟨hr.mat tokens _ _ _, hs, hb, ⟨hr.vec w _ _, hr.vec b _ _⟩, hr.mat head _ _ _⟩ _ _)
      · exact .nil
    · exact .error _
  · exact .error _

/-- Every spec point of GPT. -/
theorem points_parametric : ∀ p ∈ points, Parametric p.2 := by
  simp only [points, List.forall_mem_cons, List.not_mem_nil, false_implies, implies_true, and_true]
  exact ⟨angles_parametric (read := fun p => p.1) fun h _ => h, angles_parametric (read := fun p => p.2) fun _ h => h,
    embed_parametric, tokens_parametric, ViT.norm_parametric, linearLayer_parametric, heads_parametric, rotate_parametric, append_parametric,
    ViT.scores_parametric, weights_parametric, ViT.mix_parametric, attend_parametric, merge_parametric,
    linearLayer_parametric, perPair_parametric fun hR _ _ _ _ h h' => hR.add h h', linearLayer_parametric,
    perEntry_parametric fun hR _ _ h => hR.gelu h, perEntry_parametric fun hR _ _ h => hR.geluTanh h,
    linearLayer_parametric, blockY_parametric, blockK_parametric, blockV_parametric, linearLayer_parametric,
    logits_parametric, logits_parametric⟩

end Spec.Check.GPT
