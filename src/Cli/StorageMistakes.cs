using Azure;
using Azure.Data.Tables.Models;
using Azure.Identity;
using Sessions.Storage;

namespace Sessions.Cli;

/// <summary>Why storage cannot be used, and what to do about it.</summary>
internal static class StorageMistakes
{
    /// <summary>One line, or null when the exception is not storage's.</summary>
    public static string? Explain(Exception exception, Uri storage)
    {
        var host = storage.GetLeftPart(UriPartial.Authority);
        return exception switch
        {
            AuthenticationFailedException
                => $"Nobody is signed in who could open {host}: sign in with az login, or set AZURE_TENANT_ID if your login is of another tenant.",
            RequestFailedException { Status: 401 or 403 } failed
                => $"{host} refuses ({failed.ErrorCode ?? "403"}): ask for the role Storage Table Data Contributor on it and for its network, or correct the key in Sessions__StorageConnectionString.",
            RequestFailedException { Status: 404 } failed when failed.ErrorCode == TableErrorCode.TableNotFound
                => $"{host} lacks a table: set the storage that the app uses. A deployment makes the tables in Azure, and LocalHost makes them elsewhere.",
            StorageUnavailableException => $"{exception.Message} Look with list, and try again.",
            AggregateException { InnerException: { } first } => Explain(first, storage),
            RequestFailedException { Status: 0 } => Unreached(host, exception),
            RequestFailedException failed => $"{host} answers {failed.Status} {failed.ErrorCode}: try again, and look at the state of the storage account if that does not help.",
            _ when StorageFaults.IsTransient(exception) => Unreached(host, exception),
            _ => null,
        };
    }

    private static string Unreached(string host, Exception exception)
    {
        var reason = exception.GetBaseException().Message.Split('\n')[0].TrimEnd().TrimEnd('.');
        return $"{host} cannot be reached ({reason}): check the storage setting and the network.";
    }
}
