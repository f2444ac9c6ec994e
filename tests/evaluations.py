"""Sources and plans of evaluations, for tests."""

from pathlib import Path

from starpad.core.evaluation import EvaluationPlan, HoleKind, Selection, Source, Way
from starpad.core.load_options import LoadOptions
from starpad.core.paths import demo_model

PYTHON = '''\
"""Shapes."""

import math


class Circle:
    """Round."""

    def __init__(self, radius: float) -> None:
        self.radius = radius
        self.color = "red"

    def area(self) -> float:
        """Return its size."""
        square = self.radius**2
        if square > 10:
            square += 0
            print("large")
        return math.pi * square


def largest(circles: list[Circle]) -> Circle:
    found = circles[0]
    for circle in circles:
        if circle.area() > found.area():
            found = circle
    return found
'''
C = """\
#include <stdio.h>

int add(int a, int b) {
    int sum = a;
    sum += b;
    return sum;
}

int main(void) {
    for (int i = 0; i < 3; i++) {
        int twice = add(i, i);
        printf("%d\\n", twice);
    }
    return 0;
}
"""


def python_source(name: str = "shapes.py") -> Source:
    """Return a small module."""
    return Source(name, "python", PYTHON)


def write_project(folder: Path) -> Path:
    """Write three small modules; return their folder."""
    project = folder / "project"
    project.mkdir()
    for number in range(3):
        text = PYTHON.replace("Circle", f"Shape{number}").replace("radius", f"size{number}")
        (project / f"shapes{number}.py").write_text(text)
    return project


def plan_for(
    project: Path, results: Path, *, holes: int = 2, ways: tuple[Way, ...] = (Way(),)
) -> EvaluationPlan:
    """Return a plan that asks the demonstration model for so many holes of each kind."""
    return EvaluationPlan(
        paths=(project,),
        models=(LoadOptions(demo_model()),),
        ways=ways,
        selection=Selection(tuple(HoleKind), holes, seed=3),
        folder=results,
    )
