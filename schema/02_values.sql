-- ---------------------------------------------------------------- values
-- The rules of values that several tables hold, each written once. They are functions in named checks of the columns, not
-- domains: PostgreSQL reports a violation of a domain without its table and column, so that the API could not name the
-- field; and a recursive query whose first term is a column of a domain fails where its second term computes.

-- A finite number with at most so many digits before and after the decimal point. A column of type numeric(14, 3) would
-- round a finer number silently, so columns are of type numeric and a check refuses what does not fit.
create function is_decimal(value numeric, digits int, decimals int) returns boolean
  language sql immutable parallel safe
  return abs(value) < 10::numeric ^ digits and value = round(value, decimals);

-- Kilograms, exact to the gram.
create function is_kilograms(value numeric) returns boolean
  language sql immutable parallel safe
  return is_decimal(value, 11, 3);

-- The stages of cacao, from harvest to chocolate.
create function is_stage(value text) returns boolean
  language sql immutable parallel safe
  return value in ('beans', 'nibs', 'liquor', 'butter', 'powder', 'couverture');

-- ISO 3166-1 alpha-2.
create function is_country(value text) returns boolean
  language sql immutable strict parallel safe
  return value = any (string_to_array(
    'AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY '
    'BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK '
    'FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR '
    'IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK '
    'ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM '
    'PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF '
    'TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW', ' '));

-- A GTIN-14 with a correct check digit (GS1 General Specifications, 7.9: weights 3 and 1 from the right). GTINs of 8, 12
-- and 13 digits are stored as 14 digits, so that one item has one key.
create function is_gtin14(value text) returns boolean
  language sql immutable strict parallel safe
  return value ~ '^[0-9]{14}$' and (
    select sum(substr(value, i, 1)::int * case when i % 2 = 1 then 3 else 1 end) % 10 = 0
    from generate_series(1, 14) i);

-- JSON whose objects and arrays nest at most 64 deep, which every output format can print.
create function is_printable_json(value jsonb) returns boolean
  language sql immutable parallel safe
  return not jsonb_path_exists(value, 'strict $.**{64} ? (@.type() == "object" || @.type() == "array")');
