"""Names for the sample's people and firms, by language: invented firms, usual surnames.

Refuses nothing and knows no table: words in, words out.
"""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Tongue:
    """How people, cooperatives and farms are called where this language is spoken."""

    given: tuple[str, ...]
    surnames: tuple[str, ...]
    cooperatives: tuple[str, ...]
    words: tuple[str, ...]
    farms: tuple[str, ...]


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


SPANISH_GIVEN = words("María José Luis Rosa Carlos Ana Julián Inés Óscar Beatriz Ramón Lucía Ángel")

TONGUES = {
    "fr": Tongue(
        words("Awa Kouadio Adjoua Yao Aya Konan Mariam Koffi Amenan Ibrahim Akissi Brou Fatou Désiré"),
        words("Kouassi Koné N'Guessan Ouattara Traoré Kouamé Bamba Zadi Gnahoré Tapé Séri Diomandé"),
        ("SCOOPS {} de {town}", "COOP-CA {}", "Société Coopérative {}", "{} COOP-CA", "SCOOPS {}",
         "Union des Producteurs {}", "Coopérative Agricole {} de {town}"),
        words("Benkadi Anouanzê Yéyobié Sinikan Kavobo Ehouniman Djigui Wobè Nanan Allakro Gnamien "
              "Sabari Djèkafô Lokomian Binkadi Éburnéa Nawakro Élan Espérance Progrès Étoile Wassa"),
        ("Plantation {}", "Domaine {}", "Exploitation {} et Fils"),
    ),
    "tw": Tongue(
        words("Kwame Akosua Kofi Abena Yaw Ama Kwabena Efua Kojo Adwoa Kwaku Esi Nana"),
        words("Mensah Owusu Boateng Asante Osei Appiah Agyeman Amoah Sarpong Darko Ofori Antwi"),
        ("Kuapa {} Farmers Union", "{} Cocoa Farmers Cooperative", "Asunafo {} Cooperative",
         "{} Co-operative Cocoa Society", "{town} {} Farmers Association"),
        words("Nkabom Adwumapa Ɔdɔ Biakoye Nyameyɛ Asetena Mmɔdenbɔ Yɛnkɔ Sika Akuafo Nhyira Anidasoɔ"),
        ("{} Farms", "{} Cocoa Farm", "{} Family Farm"),
    ),
    "yo": Tongue(
        words("Adebayo Folake Tunde Ngozi Ayodele Yetunde Emeka Bisi Chidi Ṣadé Ekpo Grace"),
        words("Adeyemi Ọlátúnjí Ogunleye Akinwale Bassey Effiong Okonkwo Adewale Olawale Ndifon"),
        ("{} Cocoa Farmers Multipurpose Cooperative", "{} Cooperative Produce Union", "{} Cocoa Growers, {town}"),
        words("Ìfẹ́ Ìṣọ̀kan Aláàánú Ayọ̀ Itesiwaju Olúwaṣeun Agbelere Ntunkae Abi Unity Progressive"),
        ("{} Farms Ltd", "{} Plantation"),
    ),
    "es": Tongue(
        SPANISH_GIVEN,
        words("Zambrano Mendoza Cedeño Vélez Quispe Huamán Núñez Peña Rodríguez Guerrero Muñoz Ibáñez Loor Rojas"),
        ("Asociación de Productores {}", "Cooperativa Agraria {}", "Asociación {} de {town}",
         "Unión de Cacaoteros {}", "Cooperativa de Cacaoteros {}", "Central de Asociaciones {}"),
        ("Nueva Esperanza", "La Pepa de Oro", "Río Grande", "San Isidro", "Fuerza del Valle", "El Porvenir",
         "Flor de Cacao", "Santa Rosa", "Kallpa Alta", "Unión y Progreso", "Los Ceibos", "Sol Naciente",
         "Tierra Fértil", "Wiñak Sacha", "Montaña Verde", "Señor de los Milagros", "Aroma Fino"),
        ("Hacienda {}", "Finca {}", "Fundo {}"),
    ),
    "pt": Tongue(
        words("João Maria Antônio Francisca Luís Conceição José Fátima Sebastião Inês Raimundo"),
        words("Silva Conceição Araújo Simões Magalhães d'Alva Sousa Guimarães Brandão Trovoada Badaró Lordelo"),
        ("Cooperativa {}", "Cooperativa de Produtores {}", "Associação dos Cacauicultores {}", "Cooperativa de Exportação {}"),
        ("Mata Viva", "Boa Esperança", "São Jorge", "Cabruca do Sul", "Rio de Contas", "Água Preta", "Vale do Cacau",
         "Terra Firme", "União", "Monte Café", "Roça Nova"),
        ("Fazenda {}", "Roça {}", "Sítio {}"),
    ),
    "id": Tongue(
        words("Andi Siti Nurhayati Made Ketut Rahmat Wayan Hasan Dewi Syamsul"),
        words("Baharuddin Rahman Suardi Sudarma Mappatoba Wijaya Hamzah Pratama Suryani"),
        ("Koperasi Kakao {}", "Kelompok Tani {}", "Gapoktan {}", "Koperasi {} {town}"),
        ("Sejahtera", "Kerta Semaya", "Makmur Jaya", "Sipatuo", "Harapan Baru", "Masagena", "Subur", "Cahaya Tani"),
        ("Kebun {}", "Kebun Kakao {}"),
    ),
    "mg": Tongue(
        words("Hery Voahangy Solofo Lalao Tiana Rija Fara Njaka Onja Mamy"),
        words("Rakotomalala Andriamanana Razafindrabe Ramanantsoa Rabemananjara Rasoanaivo Randria"),
        ("Kaoperativa {}", "Coopérative {} de {town}", "Association des Planteurs {}"),
        words("Mitsinjo Fanantenana Ezaka Tsaradia Miaradia Lanitra Sambatra Fivoarana Ravinala"),
        ("Plantation {}", "Domaine {}", "Concession {}"),
    ),
    "en": Tongue(
        words("Peter Agnes Joseph Ruth Michael Theresia Paul Lucy John Veronica"),
        words("ToVue Kaupa Tinnah Miringtoro Waim Namaliu Kila Semoso Lapun"),
        ("{} Cocoa Cooperative Society", "{} Growers Association", "{} Cocoa Group, {town}"),
        words("Kairak Vunapalading Tinputz Nissan Baining Warangoi Panguna Keravat"),
        ("{} Plantation", "{} Estate"),
    ),
    "sw": Tongue(
        words("Amani Neema Juma Rehema Baraka Zawadi Moses Sarah Hamisi Immaculate"),
        words("Mwakalinga Mwakyusa Kyomuhendo Baluku Mbusa Lukumay Mushi Nakato Bwambale"),
        ("{} AMCOS", "{} Cocoa Growers Cooperative", "Chama cha Ushirika {}", "{} Organic Farmers, {town}"),
        words("Umoja Kokoa-Bora Maendeleo Upendo Tumaini Kwegatta Mshikamano Nguvu"),
        ("Shamba la {}", "{} Farm"),
    ),
}  # fmt: skip

# Suppliers that do not grow: (country, town, region), surnames and forms of firms there.
HUBS = (
    ("NL", "Amsterdam", "Noord-Holland"), ("NL", "Zaandam", "Noord-Holland"), ("DE", "Hamburg", "Hamburg"),
    ("BE", "Antwerpen", "Antwerpen"), ("BE", "Aalst", "Oost-Vlaanderen"), ("FR", "Rouen", "Normandie"),
    ("CI", "Abidjan", "Abidjan"), ("CI", "San-Pédro", "Bas-Sassandra"), ("GH", "Tema", "Greater Accra"),
    ("CH", "Zürich", "Zürich"), ("IT", "Genova", "Liguria"), ("GB", "Hull", "East Riding"),
    ("US", "Philadelphia", "Pennsylvania"), ("BR", "Ilhéus", "Bahia"), ("EC", "Guayaquil", "Guayas"),
    ("MY", "Pasir Gudang", "Johor"), ("ES", "Barcelona", "Catalunya"), ("SG", "Singapore", "Jurong"),
)  # fmt: skip
PROCESSORS = {
    "NL": (
        words("Vermeulen Dekker Haanstra Bakker Zaanstra Visser Kuyper"),
        ("{} Cacao B.V.", "Cacaofabriek {}"),
    ),
    "DE": (
        words("Lüders Brömel Petersen Jürgensen Schröder Behnke"),
        ("{} Kakao GmbH", "Hanseatische Kakaomühle {}"),
    ),
    "BE": (
        words("Claeys Vandamme Desmet Maréchal Peeters Lambrecht"),
        ("{} Couverture NV", "Cacaomolen {}"),
    ),
    "FR": (words("Lefèvre Duchêne Bréant Marchand Hébert"), ("Cacaos {}", "{} Couverture SAS")),
    "CI": (words("Kouamé Koffi Ébrié Diarra Bédié"), ("{} Broyage SA", "Ivoire Cacao {}")),
    "GH": (words("Asante Mensah Volta Ankobra"), ("{} Cocoa Processing Ltd", "{} Golden Bean Ltd")),
    "CH": (
        words("Hürlimann Aebischer Bösch Zürcher Rüegg"),
        ("{} Couverture AG", "Kakaowerke {} AG"),
    ),
    "IT": (words("Bertolè Gavotti Parodi Niccolò"), ("{} Cacao S.p.A.", "Lavorazione Cacao {}")),
    "GB": (words("Humber Thornley Ashworth Wilberforce"), ("{} Cocoa Mills Ltd", "{} Cocoa Ltd")),
    "US": (
        words("Delaware Schuylkill Hartman Penn"),
        ("{} Cocoa Company", "{} Chocolate Liquor Inc."),
    ),
    "BR": (words("Almada Cachoeira Itaípe Olivença"), ("Moagem {} Ltda", "{} Cacau S.A.")),
    "EC": (
        words("Guayas Daule Yaguachi Ibáñez"),
        ("Procesadora {} S.A.", "{} Licor de Cacao S.A."),
    ),
    "MY": (words("Tanjung Seri Johor Bukit"), ("{} Cocoa Sdn Bhd", "{} Grindings Sdn Bhd")),
    "ES": (words("Nebot Ferré Puigdomènech Solé"), ("{} Cacaos S.L.", "Molí de Cacau {}")),
    "SG": (
        words("Straits Pandan Telok Raffles"),
        ("{} Cocoa Pte Ltd", "{} Cocoa Ingredients Pte Ltd"),
    ),
}
HUB_PEOPLE = {
    "NL": words("Sanne Joost Maaike Daan"), "DE": words("Jörg Anke Söhnke Britta"), "BE": words("Griet Loïc Femke"),
    "FR": words("Hélène Benoît Chloé"), "CI": words("Awa Koffi Mariam"), "GH": words("Kofi Ama Yaw"),
    "CH": words("Urs Regula Reto"), "IT": words("Giulia Nicolò Paola"), "GB": words("Harriet Owen Priya"),
    "US": words("Denise Marcus Kelly"), "BR": words("João Luísa Caetano"), "EC": words("Andrés Sofía Iñigo"),
    "MY": words("Aisyah Hafiz Mei"), "ES": words("Núria Íñigo Marta"), "SG": words("Wei Priya Jun"),
}  # fmt: skip
EXPORTER_FORMS = ("{town} Cacao Export {}", "{} Commodities {town}", "{} Négoce", "{} Exports")
EXPORTER_WORDS = words(
    "Atlas Baobab Océan Tropic Meridian Golden Sahel Équateur Delta Coral Cima Ébène Orion"
)


def name_person(rng: Random, language: str) -> str:
    tongue = TONGUES[language]
    return f"{rng.choice(tongue.given)} {rng.choice(tongue.surnames)}"


def name_cooperative(rng: Random, language: str, town: str) -> str:
    tongue = TONGUES[language]
    word = rng.choice(tongue.words)
    if language == "fr" and rng.random() < 0.5:
        word = invent_acronym(rng)
    return rng.choice(tongue.cooperatives).format(word, town=town)


def name_farm(rng: Random, language: str) -> str:
    tongue = TONGUES[language]
    owner = name_person(rng, language) if rng.random() < 0.6 else rng.choice(tongue.surnames)
    return rng.choice(tongue.farms).format(owner)


def name_exporter(rng: Random, town: str) -> str:
    return rng.choice(EXPORTER_FORMS).format(rng.choice(EXPORTER_WORDS), town=town)


def name_processor(rng: Random, country: str) -> str:
    surnames, forms = PROCESSORS[country]
    return rng.choice(forms).format(rng.choice(surnames))


def name_employee(rng: Random, country: str) -> str:
    return f"{rng.choice(HUB_PEOPLE[country])} {rng.choice(PROCESSORS[country][0])}"


def invent_acronym(rng: Random) -> str:
    """Like the acronyms by which Ivorian cooperatives go: CAYASO, ECOBEDI ..."""
    head = rng.choice(("CA", "SO", "ECO", "UCA", "COO", "SCA"))
    middle = rng.choice(("YA", "BE", "KA", "NO", "DI", "MA", "BO", "GNI", "WA", "TA"))
    return head + middle + rng.choice(("SO", "NA", "KO", "DAN", "TY", "DI", "BY", "GUI"))


class UniqueNames:
    """Gives each name once a place: a repeated one gets a Roman numeral, as sister firms do."""

    NUMERALS = ("", " II", " III", " IV", " V", " VI", " VII", " VIII", " IX", " X")

    def __init__(self) -> None:
        self._taken: dict[tuple[str, str], int] = {}

    def claim(self, name: str, place: str) -> str:
        count = self._taken.get((name, place), 0)
        self._taken[name, place] = count + 1
        suffix = self.NUMERALS[count] if count < len(self.NUMERALS) else f" {count + 1}"
        return name + suffix
