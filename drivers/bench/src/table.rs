//! Tables in Markdown.

/// A cell of a table of figures.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(columns: &[&str]) -> Self {
        Self { columns: columns.iter().map(|&column| column.to_owned()).collect(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The table under its title.
    pub(crate) fn render(&self, title: &str) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let mut text =
            format!("### {title}\n\n{}|{}\n", line(&self.columns), "---|".repeat(self.columns.len()));
        for row in &self.rows {
            text.push_str(&line(row));
        }
        text
    }
}

/// A number of things, its thousands apart.
pub(crate) fn count(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Three digits that count, and no more.
pub(crate) fn figure(value: f64) -> String {
    if value >= 100.0 {
        return count(value);
    }
    let decimals = match value {
        _ if value >= 10.0 => 1,
        _ if value >= 1.0 || value <= 0.0 => 2,
        _ if value >= 0.1 => 3,
        _ if value >= 0.01 => 4,
        _ => 5,
    };
    format!("{value:.decimals$}")
}

/// A share of one core.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// The middle of several values; of an even number the mean of both.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        len if len % 2 == 1 => values[len / 2],
        len => f64::midpoint(values[len / 2 - 1], values[len / 2]),
    }
}

/// How far the extremes are from each other, as ± a share of the median.
pub(crate) fn spread(values: &[f64]) -> String {
    let (least, most) =
        values.iter().fold((f64::MAX, 0.0_f64), |(least, most), value| (least.min(*value), most.max(*value)));
    format!("±{:.0} %", (most - least) / 2.0 / median(values.iter().copied()) * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_three_digits() {
        let shown = [0.0, 0.003_731, 0.0203, 0.134, 3.351, 14.94, 213.2, 8_914_193.0].map(figure);
        assert_eq!(shown, ["0.00", "0.00373", "0.0203", "0.134", "3.35", "14.9", "213", "8,914,193"]);
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!([median([3.0, 1.0, 2.0]), median([4.0, 1.0]), median([])], [2.0, 2.5, 0.0]);
        assert_eq!(spread(&[90.0, 100.0, 110.0]), "±10 %");
    }

    #[test]
    fn a_table_is_markdown() {
        let mut table = Table::new(&["a", "b"]);
        table.row(vec!["1".to_owned(), "2".to_owned()]);
        assert_eq!(table.render("title"), "### title\n\n| a | b |\n|---|---|\n| 1 | 2 |\n");
    }
}
