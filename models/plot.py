"""Plots of land, and the cacao batches that were harvested from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Hectares, Json, Key, Kilograms, Name

if TYPE_CHECKING:
    from models.lot import CacaoBatch
    from models.party import Supplier


class Plot(Base):
    """A plot of land (EUDR, Article 2(27)) with its geolocation as a GeoJSON geometry."""

    __tablename__ = "plots"
    __table_args__ = (
        UniqueConstraint("supplier_id", "name"),
        Index(None, "supplier_id", "plot_id"),
        Index(None, "country", "plot_id"),
    )

    plot_id: Mapped[Key] = mapped_column(primary_key=True)
    supplier_id: Mapped[Key] = mapped_column(ForeignKey("suppliers.supplier_id"))
    name: Mapped[Name]
    producer_name: Mapped[Name | None]
    country: Mapped[Name]
    area_ha: Mapped[Hectares]
    geometry: Mapped[Json | None]

    supplier: Mapped[Supplier] = relationship(lazy="raise", back_populates="plots")
    cacao_batches: Mapped[list[CacaoBatch]] = relationship(
        lazy="raise", secondary="cacao_batch_plot", viewonly=True
    )


class CacaoBatchPlot(Base):
    """An edge: a batch was harvested from a plot; kilograms if they were weighed for each plot."""

    __tablename__ = "cacao_batch_plot"
    __table_args__ = (Index(None, "plot_id", "cacao_batch_id"),)

    cacao_batch_id: Mapped[Key] = mapped_column(
        ForeignKey("cacao_batches.cacao_batch_id"), primary_key=True
    )
    plot_id: Mapped[Key] = mapped_column(ForeignKey(Plot.plot_id), primary_key=True)
    quantity_kg: Mapped[Kilograms | None]
