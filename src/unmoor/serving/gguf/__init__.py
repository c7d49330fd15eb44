"""From a model folder to one GGUF file that llama.cpp and Ollama run, and to the Modelfile with its persona."""

from unmoor.serving.gguf.check import Checked, check_export
from unmoor.serving.gguf.modelfile import modelfile
from unmoor.serving.gguf.weights import export_gguf

__all__ = ["Checked", "check_export", "export_gguf", "modelfile"]
