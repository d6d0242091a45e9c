"""A differentiable model of kinematic X-ray diffraction by a small triclinic crystal.

Lengths are in ångström, the detector's in millimetres, angles of a cell in degrees. Everything is differentiable in
the six cell parameters.
"""

from .cell import Cell, draw_cells
from .detector import Detector, Geometry, make_geometry
from .intensity import DiffractionModel
from .lattice import lattice_transform
from .tricubic import OutsideTableWarning, TricubicTable

__all__ = [
    "Cell",
    "Detector",
    "DiffractionModel",
    "Geometry",
    "OutsideTableWarning",
    "TricubicTable",
    "draw_cells",
    "lattice_transform",
    "make_geometry",
]
