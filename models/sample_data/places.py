"""Where the sample's cacao grows: countries, their towns and harvest seasons, as plain data.

Weights follow the size of the crops roughly; months follow the ICCO's main and mid crops.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A town of a growing region; longitude and latitude in degrees, WGS 84."""

    town: str
    region: str
    longitude: float
    latitude: float

    @property
    def location(self) -> str:
        return f"{self.town}, {self.region}"


@dataclass(frozen=True)
class OriginPlace:
    """A growing country. `spread` is how far, in degrees, its plots lie from a town."""

    country: str
    name: str
    cru: str
    language: str
    weight: float
    main_crop: tuple[int, ...]
    mid_crop: tuple[int, ...]
    spread: float
    port: str
    places: tuple[Place, ...]

    def harvest_weight(self, month: int) -> float:
        """How much of the crop comes in that month; 0 outside the seasons."""
        if month in self.main_crop:
            return self.weight
        return 0.35 * self.weight if month in self.mid_crop else 0.0


ORIGINS = (
    OriginPlace(
        "CI",
        "Côte d'Ivoire",
        "Nawa",
        "fr",
        40,
        (10, 11, 12, 1, 2, 3),
        (5, 6, 7, 8),
        0.22,
        "San-Pédro",
        (
            Place("Soubré", "Nawa", -6.594, 5.785),
            Place("Méagui", "Nawa", -6.558, 5.405),
            Place("Buyo", "Nawa", -6.985, 6.272),
            Place("Daloa", "Haut-Sassandra", -6.450, 6.877),
            Place("Issia", "Haut-Sassandra", -6.586, 6.492),
            Place("Gagnoa", "Gôh", -5.951, 6.132),
            Place("Divo", "Lôh-Djiboua", -5.357, 5.837),
            Place("Duékoué", "Guémon", -7.349, 6.742),
            Place("Guiglo", "Cavally", -7.494, 6.544),
            Place("Man", "Tonkpi", -7.554, 7.413),
            Place("Abengourou", "Indénié-Djuablin", -3.496, 6.730),
            Place("Agboville", "Agnéby-Tiassa", -4.213, 5.928),
            Place("Adzopé", "La Mé", -3.862, 6.107),
            Place("Aboisso", "Sud-Comoé", -3.208, 5.568),
        ),
    ),
    OriginPlace(
        "GH",
        "Ghana",
        "Ashanti",
        "tw",
        16,
        (10, 11, 12, 1, 2, 3),
        (6, 7, 8),
        0.18,
        "Tema",
        (
            Place("Sefwi Wiawso", "Western North", -2.485, 6.206),
            Place("Juaboso", "Western North", -2.830, 6.335),
            Place("Goaso", "Ahafo", -2.517, 6.804),
            Place("Tepa", "Ashanti", -2.169, 7.003),
            Place("Konongo", "Ashanti", -1.217, 6.617),
            Place("Assin Fosu", "Central", -1.278, 5.698),
            Place("Tafo", "Eastern", -0.369, 6.233),
            Place("Asamankese", "Eastern", -0.663, 5.861),
        ),
    ),
    OriginPlace(
        "EC",
        "Ecuador",
        "Arriba Nacional",
        "es",
        12,
        (3, 4, 5, 6),
        (12, 1),
        0.12,
        "Guayaquil",
        (
            Place("Quevedo", "Los Ríos", -79.463, -1.028),
            Place("Vinces", "Los Ríos", -79.752, -1.556),
            Place("Naranjal", "Guayas", -79.618, -2.674),
            Place("Milagro", "Guayas", -79.594, -2.134),
            Place("Quinindé", "Esmeraldas", -79.469, 0.326),
            Place("Calceta", "Manabí", -80.164, -0.847),
            Place("Archidona", "Napo", -77.808, -0.909),
        ),
    ),
    OriginPlace(
        "CM",
        "Cameroon",
        "Moungo",
        "fr",
        6,
        (9, 10, 11, 12, 1, 2),
        (4, 5, 6, 7),
        0.12,
        "Douala",
        (
            Place("Kumba", "Sud-Ouest", 9.447, 4.637),
            Place("Mbanga", "Littoral", 9.566, 4.502),
            Place("Obala", "Centre", 11.533, 4.167),
            Place("Bafia", "Centre", 11.230, 4.750),
            Place("Sangmélima", "Sud", 11.984, 2.933),
        ),
    ),
    OriginPlace(
        "NG",
        "Nigeria",
        "Cross River",
        "yo",
        6,
        (9, 10, 11, 12, 1, 2, 3),
        (6, 7),
        0.12,
        "Lagos",
        (
            Place("Ondo", "Ondo State", 4.842, 7.093),
            Place("Owo", "Ondo State", 5.586, 7.196),
            Place("Ile-Ife", "Osun State", 4.560, 7.482),
            Place("Ikom", "Cross River State", 8.713, 5.961),
            Place("Etung", "Cross River State", 8.790, 5.830),
        ),
    ),
    OriginPlace(
        "BR",
        "Brazil",
        "Bahia",
        "pt",
        4,
        (10, 11, 12, 1, 2),
        (6, 7, 8, 9),
        0.12,
        "Ilhéus",
        (
            Place("Ilhéus", "Bahia", -39.180, -14.800),
            Place("Itabuna", "Bahia", -39.280, -14.789),
            Place("Gandu", "Bahia", -39.487, -13.744),
            Place("Medicilândia", "Pará", -52.887, -3.449),
            Place("Tomé-Açu", "Pará", -48.152, -2.419),
            Place("Linhares", "Espírito Santo", -40.130, -19.396),
        ),
    ),
    OriginPlace(
        "PE",
        "Peru",
        "Piura Blanco",
        "es",
        4,
        (4, 5, 6, 7),
        (11, 12),
        0.10,
        "Callao",
        (
            Place("Tocache", "San Martín", -76.516, -8.189),
            Place("Juanjuí", "San Martín", -76.732, -7.180),
            Place("Quillabamba", "Cusco", -72.693, -12.863),
            Place("Satipo", "Junín", -74.639, -11.254),
            Place("Morropón", "Piura", -79.970, -5.186),
            Place("Bagua", "Amazonas", -78.531, -5.639),
        ),
    ),
    OriginPlace(
        "DO",
        "Dominican Republic",
        "Hispaniola",
        "es",
        3,
        (4, 5, 6, 7),
        (10, 11, 12, 1),
        0.08,
        "Haina",
        (
            Place("San Francisco de Macorís", "Duarte", -70.253, 19.300),
            Place("Castillo", "Duarte", -70.028, 19.212),
            Place("Yamasá", "Monte Plata", -70.021, 18.772),
            Place("Hato Mayor", "Hato Mayor", -69.257, 18.764),
        ),
    ),
    OriginPlace(
        "ID",
        "Indonesia",
        "Sulawesi",
        "id",
        3,
        (9, 10, 11, 12),
        (3, 4, 5, 6, 7),
        0.08,
        "Makassar",
        (
            Place("Polewali", "Sulawesi Barat", 119.340, -3.380),
            Place("Masamba", "Sulawesi Selatan", 120.325, -2.550),
            Place("Kolaka", "Sulawesi Tenggara", 121.680, -4.020),
            Place("Jembrana", "Bali", 114.680, -8.300),
        ),
    ),
    OriginPlace(
        "MG",
        "Madagascar",
        "Sambirano",
        "mg",
        2,
        (10, 11, 12),
        (5, 6, 7),
        0.06,
        "Antsiranana",
        (
            Place("Ambanja", "Sambirano", 48.460, -13.690),
            Place("Benavony", "Sambirano", 48.497, -13.716),
            Place("Antsirabe Nord", "Sava", 49.960, -14.000),
        ),
    ),
    OriginPlace(
        "PG",
        "Papua New Guinea",
        "Bougainville",
        "en",
        1,
        (4, 5, 6, 7),
        (10, 11, 12),
        0.05,
        "Lae",
        (
            Place("Kokopo", "East New Britain", 152.200, -4.420),
            Place("Arawa", "Bougainville", 155.520, -6.260),
            Place("Markham", "Morobe", 146.400, -6.450),
        ),
    ),
    OriginPlace(
        "VE",
        "Venezuela",
        "Chuao",
        "es",
        1,
        (10, 11, 12, 1),
        (5, 6, 7),
        0.05,
        "Puerto Cabello",
        (
            Place("Chuao", "Aragua", -67.530, 10.470),
            Place("Caucagua", "Miranda", -66.375, 10.280),
            Place("Río Caribe", "Sucre", -63.110, 10.640),
        ),
    ),
    OriginPlace(
        "TZ",
        "Tanzania",
        "Kilombero",
        "sw",
        1,
        (10, 11, 12),
        (5, 6, 7),
        0.06,
        "Dar es Salaam",
        (
            Place("Kyela", "Mbeya", 33.850, -9.560),
            Place("Mbingu", "Kilombero", 36.250, -8.190),
        ),
    ),
    OriginPlace(
        "UG",
        "Uganda",
        "Semuliki",
        "sw",
        1,
        (10, 11, 12, 1),
        (5, 6, 7),
        0.05,
        "Kampala",
        (
            Place("Bundibugyo", "Rwenzori", 30.065, 0.710),
            Place("Mukono", "Buganda", 32.755, 0.365),
        ),
    ),
    OriginPlace(
        "ST",
        "São Tomé and Príncipe",
        "São Tomé",
        "pt",
        1,
        (9, 10, 11, 12, 1),
        (4, 5),
        0.03,
        "São Tomé",
        (
            Place("Guadalupe", "Lobata", 6.640, 0.350),
            Place("Trindade", "Mé-Zóchi", 6.670, 0.290),
            Place("Santo António", "Príncipe", 7.400, 1.620),
        ),
    ),
)
INDEX = {origin.country: number for number, origin in enumerate(ORIGINS)}
