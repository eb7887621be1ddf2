//! What the names of columns tell of money, counts, currencies and units.

/// Names of money, whatever else is in them.
const MONEY: &[&str] = &[
    "price",
    "prices",
    "cost",
    "costs",
    "revenue",
    "sales",
    "fee",
    "fees",
    "budget",
    "spend",
    "spent",
    "salary",
    "tax",
    "payment",
    "turnover",
    "income",
    "profit",
    "cpc",
    "cpm",
    "cpa",
    "umsatz",
    "preis",
    "kosten",
    "gebühr",
    "gehalt",
    "prix",
    "coût",
    "precio",
    "prezzo",
    "prijs",
    "earnings",
    "expenses",
    "expense",
    "ausgaben",
    "einnahmen",
    "erlös",
    "erlöse",
    "lohn",
    "dépenses",
    "recettes",
    "ventas",
    "ingresos",
    "gastos",
    "spesa",
    "金額",
    "売上",
    "売上高",
    "費用",
    "価格",
    "料金",
    "単価",
    "支出",
    "収入",
    "入金",
    "出金",
    "残高",
    "fare",
    "fares",
    "rent",
    "miete",
];
/// Ends of longer names of money: `Verkaufspreis`, `Versandkosten`.
const ENDS_OF_MONEY: &[&str] = &["preis", "kosten", "umsatz", "betrag", "gebühr", "金額", "費用", "売上"];
/// Names of values of any sort, which head a column where they are the whole name. Most are of money.
const VALUES: &[&str] = &[
    "amount", "amounts", "net", "gross", "netto", "brutto", "value", "values", "total", "totals", "sum", "betrag",
    "beträge", "wert", "werte", "summe", "gesamt", "montant", "valeur", "valeurs", "importe", "valor", "importo",
    "valore", "bedrag", "waarde", "belopp", "points", "punkte", "puntos", "score", "scores", "result", "results", "値",
    "合計", "点数",
];
/// Names of what has a size, a weight or a duration, and no currency.
const SIZES: &[&str] = &[
    "length",
    "width",
    "height",
    "depth",
    "distance",
    "weight",
    "mass",
    "volume",
    "area",
    "thickness",
    "diameter",
    "radius",
    "size",
    "rain",
    "rainfall",
    "precipitation",
    "snow",
    "altitude",
    "elevation",
    "duration",
    "temperature",
    "humidity",
    "speed",
    "energy",
    "länge",
    "breite",
    "höhe",
    "tiefe",
    "gewicht",
    "masse",
    "maße",
    "volumen",
    "fläche",
    "dicke",
    "durchmesser",
    "größe",
    "niederschlag",
    "regen",
    "schnee",
    "entfernung",
    "distanz",
    "strecke",
    "dauer",
    "longueur",
    "largeur",
    "hauteur",
    "profondeur",
    "poids",
    "surface",
    "épaisseur",
    "diamètre",
    "durée",
    "longitud",
    "anchura",
    "altura",
    "peso",
    "larghezza",
    "lunghezza",
    "altezza",
    "長さ",
    "幅",
    "高さ",
    "重量",
    "重さ",
    "距離",
    "面積",
    "体積",
    "降水量",
    "時間",
    "厚さ",
];
/// Ends of longer names of such: `Paketgewicht`, `Rohrlänge`.
const ENDS_OF_SIZES: &[&str] = &[
    "gewicht",
    "länge",
    "breite",
    "höhe",
    "tiefe",
    "fläche",
    "durchmesser",
    "dauer",
    "volumen",
    "strecke",
    "降水量",
    "重量",
];
/// Units that stand in the names of columns: `weight_kg`, `Länge (mm)`.
const UNITS_IN_NAMES: &[&str] = &[
    "kg", "mg", "lb", "lbs", "oz", "ml", "cl", "hl", "km", "cm", "mm", "ft", "m2", "m²", "m3", "m³", "sec", "secs",
    "seconds", "ms", "mins", "minutes", "kwh", "mwh", "kw", "mb", "gb", "tb", "pcs", "stk",
];
/// Names of counts, which have no currency.
const COUNTS: &[&str] = &[
    "clicks",
    "impressions",
    "views",
    "visits",
    "visitors",
    "sessions",
    "users",
    "likes",
    "comments",
    "shares",
    "followers",
    "orders",
    "quantity",
    "qty",
    "count",
    "counts",
    "units",
    "number",
    "pieces",
    "downloads",
    "installs",
    "conversions",
    "leads",
    "items",
    "reach",
    "hours",
    "days",
    "posts",
    "people",
    "customers",
    "employees",
    "anzahl",
    "menge",
    "stück",
    "stk",
    "quantité",
    "nombre",
    "cantidad",
    "klicks",
    "aufrufe",
    "besucher",
    "visites",
    "visitas",
    "clics",
    "impressionen",
    "seats",
    "passengers",
    "pax",
    "persons",
    "students",
    "trips",
    "rides",
    "deliveries",
    "tickets",
    "boxes",
    "parcels",
    "packages",
    "bookings",
    "nights",
    "guests",
    "rooms",
    "besuche",
    "kunden",
    "bestellungen",
    "personen",
    "件数",
    "数量",
    "個数",
    "人数",
    "回数",
    "表示回数",
    "クリック数",
    "インプレッション",
    "インプレッション数",
];
/// Ends of longer names of counts: `Besucherzahl`, `注文件数`.
const ENDS_OF_COUNTS: &[&str] = &["anzahl", "zahl", "menge", "件数", "数量", "個数", "人数", "回数", "クリック数"];

fn has_any(tokens: &[String], list: &[&str]) -> bool {
    tokens.iter().any(|token| list.contains(&token.as_str()))
}

fn ends_with_any(tokens: &[String], ends: &[&str]) -> bool {
    // The word alone is in the lists, with what it means alone.
    tokens.iter().any(|token| ends.iter().any(|end| token.ends_with(end) && token != end))
}

/// Whether a column of this name holds money for sure.
pub(crate) fn names_money(tokens: &[String]) -> bool {
    has_any(tokens, MONEY) || ends_with_any(tokens, ENDS_OF_MONEY)
}

/// Whether a column of this name counts things.
pub(crate) fn names_count(tokens: &[String]) -> bool {
    let is_count = has_any(tokens, COUNTS) || ends_with_any(tokens, ENDS_OF_COUNTS);
    is_count && !names_money(tokens)
}

/// Whether a column is called by a general word for values and nothing else: `amount`, `Wert`, `total value`.
pub(crate) fn names_value(tokens: &[String]) -> bool {
    !tokens.is_empty() && tokens.iter().all(|token| VALUES.contains(&token.as_str()))
}

/// Whether a column of this name may have the currency that another column names, rather than a unit: `amount`, `price`.
pub(crate) fn names_payment(tokens: &[String]) -> bool {
    names_money(tokens) || has_any(tokens, VALUES) && !names_count(tokens) && !names_size(tokens)
}

/// Whether a column of this name holds lengths, weights, durations and the like.
pub(crate) fn names_size(tokens: &[String]) -> bool {
    (has_any(tokens, SIZES) || ends_with_any(tokens, ENDS_OF_SIZES) || names_own_unit(tokens)) && !names_money(tokens)
}

/// Whether the name of a column has a unit: `weight_kg`.
pub(crate) fn names_own_unit(tokens: &[String]) -> bool {
    has_any(tokens, UNITS_IN_NAMES)
}

/// Whether a column of this name names the currency of other columns.
pub(crate) fn names_currencies(tokens: &[String]) -> bool {
    has_any(tokens, &["currency", "curr", "ccy", "währung", "waehrung", "devise", "moneda", "valuta", "moeda", "通貨"])
}

/// Whether a column of this name names what the numbers beside it measure, one thing or another in each row.
pub(crate) fn names_measures(tokens: &[String]) -> bool {
    const MEASURES: &[&str] = &[
        "metric",
        "metrics",
        "kpi",
        "measure",
        "indicator",
        "parameter",
        "kennzahl",
        "messgröße",
        "indikator",
        "métrique",
        "indicateur",
        "métrica",
        "indicador",
        "指標",
    ];
    matches!(tokens, [only] | [only, _] if MEASURES.contains(&only.as_str()))
        || matches!(tokens, [_, last] if MEASURES.contains(&last.as_str()))
}

/// Whether a column of this name names the unit of other columns.
pub(crate) fn names_units(tokens: &[String]) -> bool {
    has_any(
        tokens,
        &[
            "unit",
            "units",
            "uom",
            "einheit",
            "maßeinheit",
            "unité",
            "unite",
            "unidad",
            "unità",
            "eenheid",
            "enhet",
            "単位",
        ],
    )
}
