"""What a person's SQL may consist of: node types, functions, casts. All else is refused. Pure.

Names are those of the parser's syntax tree, which differ from SQL's: `string_agg` is GroupConcat.
A function missing here is a wish to be granted after a look; one too many is a hole.
"""

from sqlglot import exp

ROOTS: frozenset[type[exp.Expr]] = frozenset({exp.Select, exp.Union, exp.Intersect, exp.Except})

STRUCTURE: frozenset[type[exp.Expr]] = ROOTS | {
    exp.Alias, exp.All, exp.Any, exp.Array, exp.Between, exp.Boolean, exp.CTE, exp.Case,
    exp.Column, exp.Cube, exp.DataType, exp.DataTypeParam, exp.Distinct, exp.Escape, exp.Exists,
    exp.Fetch, exp.Filter, exp.From, exp.Group, exp.GroupingSets, exp.Having, exp.Identifier,
    exp.If, exp.In, exp.Interval, exp.Is, exp.Join, exp.Lateral, exp.Limit, exp.LimitOptions,
    exp.Literal, exp.Null, exp.Offset, exp.Order, exp.Ordered, exp.Paren, exp.Rollup, exp.Star,
    exp.Subquery, exp.Table, exp.TableAlias, exp.Tuple, exp.Var, exp.Where, exp.Window,
    exp.WindowSpec, exp.With, exp.WithinGroup,
}  # fmt: skip

OPERATORS: frozenset[type[exp.Expr]] = frozenset({
    exp.Add, exp.And, exp.AtTimeZone, exp.DPipe, exp.Div, exp.EQ, exp.GT, exp.GTE, exp.ILike,
    exp.LT, exp.LTE, exp.Like, exp.Mod, exp.Mul, exp.NEQ, exp.Neg, exp.Not, exp.NullSafeEQ,
    exp.NullSafeNEQ, exp.Or, exp.Pow, exp.Sub,
})  # fmt: skip

FUNCTIONS: frozenset[type[exp.Expr]] = frozenset({
    # aggregates and windows
    exp.Avg, exp.Corr, exp.Count, exp.CumeDist, exp.DenseRank, exp.FirstValue, exp.GroupConcat,
    exp.Lag, exp.LastValue, exp.Lead, exp.LogicalAnd, exp.LogicalOr, exp.Max, exp.Min, exp.Mode,
    exp.NthValue, exp.Ntile, exp.PercentRank, exp.PercentileCont, exp.PercentileDisc, exp.Rank,
    exp.RowNumber, exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.Sum, exp.Variance,
    exp.VariancePop,
    # numbers
    exp.Abs, exp.Ceil, exp.Exp, exp.Floor, exp.Greatest, exp.Least, exp.Ln, exp.Log, exp.Round,
    exp.Sign, exp.Sqrt, exp.Trunc, exp.WidthBucket,
    # texts
    exp.Concat, exp.ConcatWs, exp.Initcap, exp.Left, exp.Length, exp.Lower, exp.Right,
    exp.SplitPart, exp.StartsWith, exp.StrPosition, exp.Substring, exp.TimeToStr, exp.ToChar,
    exp.Trim, exp.Upper,
    # dates
    exp.CurrentDate, exp.CurrentTimestamp, exp.Date, exp.Extract, exp.Localtimestamp,
    exp.TimestampTrunc,
    # nulls and conversions
    exp.Cast, exp.Coalesce, exp.Nullif,
})  # fmt: skip

NODES = STRUCTURE | OPERATORS | FUNCTIONS | {exp.Anonymous}

# functions the parser has no class for
NAMED_FUNCTIONS = frozenset({"age", "every", "make_date"})

CASTS = frozenset({
    exp.DType.BIGINT, exp.DType.BOOLEAN, exp.DType.CHAR, exp.DType.DATE, exp.DType.DECIMAL,
    exp.DType.DOUBLE, exp.DType.FLOAT, exp.DType.INT, exp.DType.INTERVAL, exp.DType.SMALLINT,
    exp.DType.TEXT, exp.DType.TIME, exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ,
    exp.DType.VARCHAR,
})  # fmt: skip

# `o.to_json` is `to_json(o)` to PostgreSQL where o has no such column: functions that take a whole
# row and are not among those above. tests/postgres asks the database which there are.
OF_A_ROW = frozenset({
    "any_out", "any_value", "anycompatible_out", "anycompatiblenonarray_out", "anyelement_out",
    "anynonarray_out", "array_agg", "hash_record", "json_agg", "json_agg_strict",
    "json_build_array", "json_build_object", "jsonb_agg", "jsonb_agg_strict", "jsonb_build_array",
    "jsonb_build_object", "num_nonnulls", "num_nulls", "pg_collation_for", "pg_column_compression",
    "pg_column_size", "pg_column_toast_chunk_id", "pg_restore_attribute_stats",
    "pg_restore_relation_stats", "pg_typeof", "quote_literal", "quote_nullable", "record_out",
    "record_send", "row_to_json", "to_json", "to_jsonb",
})  # fmt: skip

# read as columns by the parser, as facts about the session or the row's storage by PostgreSQL
NOT_COLUMNS = frozenset({
    "cmax", "cmin", "ctid", "current_catalog", "current_role", "current_schema", "current_user",
    "session_user", "system_user", "tableoid", "user", "xmax", "xmin",
})  # fmt: skip
