namespace Sessions.Model;

/// <summary>Selects the sessions or participants of a list of an account.</summary>
/// <param name="After">The id of the last item of the previous page, or null for the first page.</param>
/// <param name="Limit">The most items of the page, from 1 to <see cref="MaxLimit"/>.</param>
/// <param name="Tag">Selects only items with this tag. Null selects every tag.</param>
/// <param name="TagPrefix">Selects only items whose tag begins with this text. Null selects every tag.</param>
public sealed record ListQuery(Guid? After, int Limit, string? Tag, string? TagPrefix)
{
    /// <summary>The highest limit, which is the most rows that one storage call returns.</summary>
    public const int MaxLimit = 1000;

    /// <summary>The limit of a request that names none.</summary>
    public const int DefaultLimit = 100;
}

/// <summary>A page of a list.</summary>
/// <param name="Items">The items of the page.</param>
/// <param name="Next">The id of the page's last item if there may be more items after it, or null at the end of the list.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, Guid? Next);
