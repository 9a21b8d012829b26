"""The look-alikes of deploy/images stand in for what the files of the repository ask for."""

import os
from pathlib import Path

import pytest
from testcontainers.core.config import testcontainers_config

from deploy.images import build
from devstack.containers import IMAGES, KAFKA_DATA
from tests.places import REPOSITORY
from tests.unit.deploy.test_compose import DOCKERFILE, SERVERS, instructions

FOLDER = REPOSITORY / "deploy/images"
IMAGES_ASKED_FOR = {*IMAGES.values(), testcontainers_config.ryuk_image}


def folder(image: str) -> Path:
    return FOLDER / image.partition(":")[0].rpartition("/")[2]


def test_each_image_that_is_asked_for_has_a_folder() -> None:
    folders = {each for each in FOLDER.iterdir() if (each / "Dockerfile").exists()}

    assert folders == {folder(image) for image in IMAGES_ASKED_FOR}
    assert {each.name for each in folders} == build.SERVERS.keys()


@pytest.mark.parametrize("image", sorted(IMAGES_ASKED_FOR))
def test_a_program_that_is_copied_into_an_image_can_be_run(image: str) -> None:
    files = [each for each in folder(image).rglob("*") if each.is_file()]
    programs = [each for each in files if each.read_bytes().startswith(b"#!")]

    assert [each.name for each in programs if not os.access(each, os.X_OK)] == []


@pytest.mark.parametrize("name", SERVERS)
def test_its_data_lie_where_compose_mounts_a_volume(name: str) -> None:
    dockerfile = (folder(SERVERS[name]["image"]) / "Dockerfile").read_text()

    for volume in SERVERS[name].get("volumes", []):
        assert f'"{volume.split(":")[1]}"' in instructions("VOLUME", dockerfile)[0]


def test_kafka_keeps_its_data_and_has_its_tools_where_they_are_asked_for() -> None:
    kafka = folder(IMAGES["kafka"])
    program = SERVERS["kafka"]["healthcheck"]["test"][1]

    assert KAFKA_DATA in instructions("VOLUME", (kafka / "Dockerfile").read_text())[0]
    assert (kafka / program.removeprefix("/opt/kafka/")).exists()


def test_python_comes_from_the_debian_that_has_it() -> None:
    """Debian 13, trixie, has Python 3.13."""
    [image] = {line.split()[0] for line in instructions("FROM", DOCKERFILE)}

    assert build.python_image() == image == "python:3.13-slim"
    assert build.SUITE == "trixie"
