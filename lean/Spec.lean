module
public import Spec.Check.Format
public import Spec.Check.GRU
public import Spec.Check.Gradient
public import Spec.Check.LSTM
public import Spec.Check.Mamba
public import Spec.Check.Point
public import Spec.Check.RNN
public import Spec.Check.Recurrent
public import Spec.Check.Request
public import Spec.Check.ResNet
public import Spec.Check.Verdict
public import Spec.Check.ViT
public import Spec.Law.Attention
public import Spec.Law.Contains
public import Spec.Law.Conv2d
public import Spec.Law.Depth
public import Spec.Law.Each
public import Spec.Law.Enclosure
public import Spec.Law.Exact
public import Spec.Law.Execution
public import Spec.Law.Holds
public import Spec.Law.Inside
public import Spec.Law.Interval
public import Spec.Law.Mamba
public import Spec.Law.Numbers
public import Spec.Law.Patch
public import Spec.Law.Points
public import Spec.Law.PointsMamba
public import Spec.Law.PointsRecurrent
public import Spec.Law.PointsResNet
public import Spec.Law.PointsViT
public import Spec.Law.Preserved
public import Spec.Law.PreservedNetworks
public import Spec.Law.PreservedRecurrent
public import Spec.Law.PreservedSequences
public import Spec.Law.Reach
public import Spec.Law.Recurrent
public import Spec.Law.ResNet
public import Spec.Law.Rounding
public import Spec.Law.Scan
public import Spec.Law.ScanFolds
public import Spec.Law.ScanRounding
public import Spec.Law.Tangent
public import Spec.Law.Trail
public import Spec.Law.Verdict
public import Spec.Law.ViT
public import Spec.Layer.Attention
public import Spec.Layer.BatchNorm
public import Spec.Layer.CausalConv
public import Spec.Layer.Conv2d
public import Spec.Layer.LayerNorm
public import Spec.Layer.Linear
public import Spec.Layer.Patch
public import Spec.Layer.Pool
public import Spec.Layer.Recurrent
public import Spec.Layer.RmsNorm
public import Spec.Layer.Scan
public import Spec.Model.Mamba
public import Spec.Model.Recurrent
public import Spec.Model.ResNet
public import Spec.Model.ViT
public import Spec.Num.Elementary
public import Spec.Num.Fixed
public import Spec.Num.Interval
public import Spec.Num.Loops
public import Spec.Num.Reach
public import Spec.Num.Rounding
public import Spec.Num.Scalar
public import Spec.Num.Tangent
public import Spec.Num.Trail
public import Spec.Num.Vec

/-!
# The specification library

Every module under `Spec` is imported here, so that a build of this one checks all of them.
-/
