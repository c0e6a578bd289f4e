"""Export models for other programs: ONNX files that run without this one, and weights in a single file."""

from ganarium.exporting.writing import FORMATS, Exported, export

__all__ = ["FORMATS", "Exported", "export"]
