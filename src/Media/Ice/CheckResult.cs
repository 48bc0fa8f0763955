namespace Sessions.Media.Ice;

/// <summary>What became of a Binding request.</summary>
public enum CheckResult
{
    /// <summary>It is no authenticated check of this transport. There is no response.</summary>
    Dropped,

    /// <summary>It is authenticated and refused. There is an error response; nothing else has changed.</summary>
    Answered,

    /// <summary>It is authenticated: the flow and the transport are a valid pair. There is a success response.</summary>
    Authenticated,

    /// <summary>As <see cref="Authenticated"/>, and the flow has become the selected one.</summary>
    Nominated,
}
