// Draws the figures of a page: <div class="plot"> elements, each with its figure as JSON in a script element inside.
(function () {
  var dark = window.matchMedia('(prefers-color-scheme: dark)');
  var status = document.getElementById('copied');
  function colours() {
    var style = getComputedStyle(document.documentElement);
    var text = style.getPropertyValue('--text').trim(), line = style.getPropertyValue('--line').trim();
    var back = style.getPropertyValue('--back').trim();
    var found = {'font.color': text, 'paper_bgcolor': back, 'plot_bgcolor': back};
    ['xaxis', 'yaxis'].forEach(function (axis) {
      ['gridcolor', 'linecolor', 'zerolinecolor', 'tickcolor'].forEach(function (part) { found[axis + '.' + part] = line; });
    });
    return found;
  }
  function say(name, done) { status.textContent = (done ? 'Copied: ' : 'Select and copy: ') + name; }
  function copyOldWay(name) {
    var box = document.createElement('textarea');
    box.value = name;
    document.body.appendChild(box);
    box.select();
    var done = document.execCommand('copy');
    box.remove();
    say(name, done);
  }
  function copy(name) {
    if (navigator.clipboard && window.isSecureContext) {
      navigator.clipboard.writeText(name).then(function () { say(name, true); }, function () { copyOldWay(name); });
    } else {
      copyOldWay(name);
    }
  }
  function draw(element) {
    var figure = JSON.parse(element.querySelector('script').textContent);
    var target = element.querySelector('.target');
    var found = colours();
    Plotly.newPlot(target, figure.data, figure.layout, {displaylogo: false, responsive: true}).then(function () {
      return Plotly.relayout(target, found);
    });
    target.on('plotly_click', function (event) { copy(event.points[0].customdata[0]); });
    dark.addEventListener('change', function () { Plotly.relayout(target, colours()); });
  }
  var waiting = Array.from(document.querySelectorAll('.plot'));
  function drawOne(element) {
    if (waiting.indexOf(element) >= 0) { waiting.splice(waiting.indexOf(element), 1); draw(element); }
  }
  if ('IntersectionObserver' in window) {  // a long page draws what comes into view
    var observer = new IntersectionObserver(function (seen) {
      seen.forEach(function (each) { if (each.isIntersecting) { drawOne(each.target); } });
    }, {rootMargin: '600px'});
    waiting.forEach(function (element) { observer.observe(element); });
    window.addEventListener('beforeprint', function () { waiting.slice().forEach(drawOne); });
  } else {
    waiting.slice().forEach(drawOne);
  }
  document.addEventListener('click', function (event) {
    var from = event.target.closest && event.target.closest('[data-copy]');
    if (from) { copy(from.getAttribute('data-copy')); }
  });
})();
