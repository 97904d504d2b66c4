// Tables are sorted by their headings and filtered by a text; marks show a tip under the pointer or the keyboard's focus.
(function () {
  function key(row, i) {
    var cell = row.cells[i], number = cell.getAttribute('data-key');
    return number === null ? cell.textContent : parseFloat(number);
  }
  function compare(a, b) {
    if (typeof a === 'number' && typeof b === 'number') { return a - b; }
    if (typeof a !== typeof b) { return typeof a === 'number' ? -1 : 1; }
    return a.localeCompare(b, undefined, {numeric: true});
  }
  document.querySelectorAll('table.sortable').forEach(function (table) {
    var heads = Array.from(table.tHead.rows[0].cells), body = table.tBodies[0];
    heads.forEach(function (head, i) {
      head.querySelector('button').addEventListener('click', function () {
        var up = head.getAttribute('aria-sort') !== 'ascending';
        heads.forEach(function (each) { each.removeAttribute('aria-sort'); });
        head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
        Array.from(body.rows).sort(function (a, b) {
          var last = a.classList.contains('total') - b.classList.contains('total');
          return last || (up ? 1 : -1) * compare(key(a, i), key(b, i));
        }).forEach(function (row) { body.appendChild(row); });
      });
    });
  });
  document.querySelectorAll('.sorted').forEach(function (element) {
    var input = element.querySelector('input'), rows = element.querySelectorAll('tbody tr');
    input.addEventListener('input', function () {
      var wanted = input.value.toLowerCase();
      rows.forEach(function (row) { row.hidden = row.textContent.toLowerCase().indexOf(wanted) < 0; });
    });
  });
  var folded = [];
  window.addEventListener('beforeprint', function () {
    folded = Array.from(document.querySelectorAll('details.sorted:not([open])'));
    folded.forEach(function (each) { each.open = true; });
  });
  window.addEventListener('afterprint', function () { folded.forEach(function (each) { each.open = false; }); });
  var tip = document.getElementById('tip');
  function show(event) {
    var from = event.target.closest && event.target.closest('[data-tip]');
    tip.hidden = !from;
    if (!from) { return; }
    tip.textContent = from.getAttribute('data-tip');
    var box = from.getBoundingClientRect();
    var left = Math.min(box.left, document.documentElement.clientWidth - tip.offsetWidth - 8);
    tip.style.left = Math.max(4, left) + window.scrollX + 'px';
    tip.style.top = box.bottom + 6 + window.scrollY + 'px';
  }
  document.addEventListener('mouseover', show);
  document.addEventListener('focusin', show);
  document.addEventListener('keydown', function (event) { if (event.key === 'Escape') { tip.hidden = true; } });
})();
