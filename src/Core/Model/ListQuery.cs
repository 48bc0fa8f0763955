namespace Sessions.Model;

/// <summary>Which sessions or participants of an account a list has.</summary>
/// <param name="After">The id of the last one of the page before; null for the first page.</param>
/// <param name="Limit">How many at most, 1 to <see cref="MaxLimit"/>.</param>
/// <param name="Tag">Only those with this tag; null for any.</param>
/// <param name="TagPrefix">Only those whose tag begins so; null for any.</param>
public sealed record ListQuery(Guid? After, int Limit, string? Tag, string? TagPrefix)
{
    /// <summary>The most in a page: as many as one storage call returns.</summary>
    public const int MaxLimit = 1000;

    /// <summary>How many are in a page when the caller asks for no number.</summary>
    public const int DefaultLimit = 100;
}

/// <summary>A part of a list.</summary>
/// <param name="Items">What is in it.</param>
/// <param name="Next">The id of the last one, behind which there may be more; null at the end.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, Guid? Next);
