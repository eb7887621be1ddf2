//! What the names of columns tell of money, counts, currencies and units.

/// Names of money, whatever else is in them.
const MONEY: &[&str] = &[
    "price", "prices", "cost", "costs", "revenue", "sales", "fee", "fees", "budget", "spend", "spent", "salary", "tax",
    "payment", "turnover", "income", "profit", "cpc", "cpm", "cpa", "umsatz", "preis", "kosten", "gebühr", "gehalt",
    "prix", "coût", "precio", "prezzo", "prijs",
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
];

fn has_any(tokens: &[String], list: &[&str]) -> bool {
    tokens.iter().any(|token| list.contains(&token.as_str()))
}

/// Whether a column of this name holds money for sure.
pub(crate) fn names_money(tokens: &[String]) -> bool {
    has_any(tokens, MONEY)
}

/// Whether a column of this name counts things.
pub(crate) fn names_count(tokens: &[String]) -> bool {
    has_any(tokens, COUNTS) && !names_money(tokens)
}

/// Whether a column of this name names the currency of other columns.
pub(crate) fn names_currencies(tokens: &[String]) -> bool {
    has_any(tokens, &["currency", "curr", "ccy", "währung", "waehrung", "devise", "moneda", "valuta", "moeda"])
}

/// Whether a column of this name names the unit of other columns.
pub(crate) fn names_units(tokens: &[String]) -> bool {
    has_any(
        tokens,
        &["unit", "units", "uom", "einheit", "maßeinheit", "unité", "unite", "unidad", "unità", "eenheid", "enhet"],
    )
}
