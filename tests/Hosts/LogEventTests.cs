using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using Sessions.Gateway;
using Sessions.LocalHost;
using Sessions.Tests.Infrastructure;

namespace Sessions.Tests;

/// <summary>The log events in the code, compared with the list in docs/operate.md.</summary>
public sealed partial class LogEventTests
{
    private static readonly (int Id, string Level)[] OfTheCode =
    [
        .. from assembly in new[] { typeof(SessionsOptions).Assembly, typeof(ServiceRegistration).Assembly, typeof(GatewayProgram).Assembly, typeof(LocalHostProgram).Assembly }
           from type in assembly.GetTypes()
           from method in type.GetMethods(BindingFlags.Instance | BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.DeclaredOnly)
           let log = method.GetCustomAttribute<LoggerMessageAttribute>()
           where log is not null
           orderby log.EventId
           select (log.EventId, log.Level.ToString()),
    ];

    [Fact]
    public void Every_log_event_has_a_unique_id()
        => Assert.Equal(OfTheCode.Select(log => log.Id).Distinct(), OfTheCode.Select(log => log.Id));

    [Fact]
    public void The_document_lists_exactly_the_log_events_of_the_code_with_their_levels()
        => Assert.Equal(
            OfTheCode,
            from line in File.ReadLines(Path.Combine(Bicep.RepositoryFolder, "docs", "operate.md"))
            let row = Row().Match(line)
            where row.Success
            let log = (Id: int.Parse(row.Groups["id"].Value, System.Globalization.CultureInfo.InvariantCulture), Level: row.Groups["level"].Value)
            orderby log.Id
            select log);

    [GeneratedRegex(@"^\| (?:`[\w.]+` )?\| (?<id>\d+) \| (?<level>\w+) \| ", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Row();
}
