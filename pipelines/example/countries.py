"""The countries of the example tariff: their names and the price band of each service there.

What belongs here: one line a country. Prefixes come from `deck`, money amounts from `tariff`.
"""

from typing import NamedTuple


class Country(NamedTuple):
    """One country of the tariff. The bands are places in the price ladders of `tariff`, 0 the cheapest."""

    code: str
    name: str
    fixed_band: int
    mobile_band: int
    sms_band: int


def countries() -> dict[str, Country]:
    """Return ISO 3166 alpha-2 code -> country, in order of the code.

    AC, TA and XK (Ascension, Tristan da Cunha, Kosovo) are no official ISO codes but have calling codes.
    """
    found: dict[str, Country] = {}
    for line in TABLE.strip().splitlines():
        code, bands, name = line.split(maxsplit=2)
        fixed, mobile, sms = (int(band, 16) for band in bands)
        found[code] = Country(code, name, fixed, mobile, sms)
    return dict(sorted(found.items()))


TABLE = """
AC AA8 Ascension Island
AD 465 Andorra
AE 764 United Arab Emirates
AF 777 Afghanistan
AG 774 Antigua and Barbuda
AI 774 Anguilla
AL 787 Albania
AM 677 Armenia
AO 566 Angola
AR 356 Argentina
AS 448 American Samoa
AT 235 Austria
AU 234 Australia
AW 674 Aruba
AX 345 Åland Islands
AZ 788 Azerbaijan
BA 576 Bosnia and Herzegovina
BB 674 Barbados
BD 446 Bangladesh
BE 236 Belgium
BF 786 Burkina Faso
BG 257 Bulgaria
BH 564 Bahrain
BI 997 Burundi
BJ 876 Benin
BL 358 Saint Barthélemy
BM 444 Bermuda
BN 443 Brunei
BO 676 Bolivia
BQ 664 Bonaire, Sint Eustatius and Saba
BR 354 Brazil
BS 674 Bahamas
BT 666 Bhutan
BW 577 Botswana
BY 886 Belarus
BZ 774 Belize
CA 000 Canada
CC AA8 Cocos (Keeling) Islands
CD 997 Congo (Kinshasa)
CF 887 Central African Republic
CG 886 Congo (Brazzaville)
CH 265 Switzerland
CI 778 Côte d'Ivoire
CK 998 Cook Islands
CL 345 Chile
CM 777 Cameroon
CN 113 China
CO 345 Colombia
CR 254 Costa Rica
CU 997 Cuba
CV 786 Cape Verde
CW 664 Curaçao
CX AA8 Christmas Island
CY 246 Cyprus
CZ 235 Czechia
DE 236 Germany
DJ 888 Djibouti
DK 122 Denmark
DM 674 Dominica
DO 455 Dominican Republic
DZ 587 Algeria
EC 677 Ecuador
EE 247 Estonia
EG 567 Egypt
EH 888 Western Sahara
ER 888 Eritrea
ES 127 Spain
ET 777 Ethiopia
FI 346 Finland
FJ 776 Fiji
FK AA8 Falkland Islands
FM 777 Micronesia
FO 565 Faroe Islands
FR 026 France
GA 887 Gabon
GB 024 United Kingdom
GD 774 Grenada
GE 567 Georgia
GF 468 French Guiana
GG 373 Guernsey
GH 776 Ghana
GI 474 Gibraltar
GL 883 Greenland
GM 886 Gambia
GN 998 Guinea
GP 357 Guadeloupe
GQ 876 Equatorial Guinea
GR 125 Greece
GT 675 Guatemala
GU 344 Guam
GW 898 Guinea-Bissau
GY 774 Guyana
HK 334 Hong Kong
HN 675 Honduras
HR 246 Croatia
HT 785 Haiti
HU 146 Hungary
ID 455 Indonesia
IE 146 Ireland
IL 132 Israel
IM 373 Isle of Man
IN 331 India
IO AA8 British Indian Ocean Territory
IQ 676 Iraq
IR 664 Iran
IS 352 Iceland
IT 137 Italy
JE 374 Jersey
JM 675 Jamaica
JO 667 Jordan
JP 356 Japan
KE 665 Kenya
KG 776 Kyrgyzstan
KH 556 Cambodia
KI 997 Kiribati
KM 897 Comoros
KN 775 Saint Kitts and Nevis
KP 998 North Korea
KR 234 South Korea
KW 565 Kuwait
KY 665 Cayman Islands
KZ 376 Kazakhstan
LA 555 Laos
LB 674 Lebanon
LC 775 Saint Lucia
LI 474 Liechtenstein
LK 666 Sri Lanka
LR 886 Liberia
LS 777 Lesotho
LT 244 Lithuania
LU 246 Luxembourg
LV 356 Latvia
LY 776 Libya
MA 387 Morocco
MC 378 Monaco
MD 675 Moldova
ME 674 Montenegro
MF 358 Saint Martin
MG 998 Madagascar
MH 887 Marshall Islands
MK 676 North Macedonia
ML 787 Mali
MM 777 Myanmar
MN 454 Mongolia
MO 454 Macao
MP 455 Northern Mariana Islands
MQ 357 Martinique
MR 897 Mauritania
MS 774 Montserrat
MT 253 Malta
MU 565 Mauritius
MV 993 Maldives
MW 785 Malawi
MX 224 Mexico
MY 234 Malaysia
MZ 575 Mozambique
NA 565 Namibia
NC 779 New Caledonia
NE 787 Niger
NF AA6 Norfolk Island
NG 566 Nigeria
NI 685 Nicaragua
NL 137 Netherlands
NO 245 Norway
NP 667 Nepal
NR AA6 Nauru
NU AA6 Niue
NZ 257 New Zealand
OM 665 Oman
PA 465 Panama
PE 354 Peru
PF 889 French Polynesia
PG 995 Papua New Guinea
PH 664 Philippines
PK 555 Pakistan
PL 134 Poland
PM 788 Saint Pierre and Miquelon
PR 114 Puerto Rico
PS 776 Palestine
PT 134 Portugal
PW 887 Palau
PY 453 Paraguay
QA 775 Qatar
RE 368 Réunion
RO 156 Romania
RS 676 Serbia
RU 457 Russia
RW 886 Rwanda
SA 665 Saudi Arabia
SB AA7 Solomon Islands
SC 886 Seychelles
SD 675 Sudan
SE 146 Sweden
SG 214 Singapore
SH AA8 Saint Helena
SI 364 Slovenia
SJ 245 Svalbard and Jan Mayen
SK 266 Slovakia
SL 885 Sierra Leone
SM 577 San Marino
SN 787 Senegal
SO 988 Somalia
SR 764 Suriname
SS 886 South Sudan
ST AA6 São Tomé and Príncipe
SV 674 El Salvador
SX 664 Sint Maarten
SY 677 Syria
SZ 576 Eswatini
TA AA8 Tristan da Cunha
TC 774 Turks and Caicos Islands
TD 887 Chad
TG 885 Togo
TH 222 Thailand
TJ 777 Tajikistan
TK AA6 Tokelau
TL 9A8 Timor-Leste
TM 668 Turkmenistan
TN 887 Tunisia
TO 885 Tonga
TR 452 Türkiye
TT 674 Trinidad and Tobago
TV AA8 Tuvalu
TW 265 Taiwan
TZ 786 Tanzania
UA 677 Ukraine
UG 786 Uganda
US 000 United States
UY 465 Uruguay
UZ 558 Uzbekistan
VA 466 Vatican City
VC 774 Saint Vincent and the Grenadines
VE 345 Venezuela
VG 774 British Virgin Islands
VI 332 US Virgin Islands
VN 546 Vietnam
VU 996 Vanuatu
WF AA8 Wallis and Futuna
WS 995 Samoa
XK 677 Kosovo
YE 677 Yemen
YT 578 Mayotte
ZA 352 South Africa
ZM 676 Zambia
ZW 775 Zimbabwe
"""
