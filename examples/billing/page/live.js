// Fetches the report again and again; without scripts the page says "Again".
const live = document.getElementById("live");
async function renew() {
  try {
    const answer = await fetch("/report", { headers: { Accept: "text/html" } });
    if (answer.ok) live.innerHTML = await answer.text(); // escaped by the server
  } catch (_) { /* the service is being restarted */ }
  setTimeout(renew, Number(live.dataset.every));
}
setTimeout(renew, Number(live.dataset.every));
